import { useTranslation } from "react-i18next";
import type { NodeSpec } from "@/api/types";
import type { CardPort } from "../geometry";
import { portAbout, portLabel } from "../portLabel";
import { PortDot } from "./PortDot";

interface DotsProps {
  id: string;
  ports: CardPort[];
  side: "source" | "target";
  spec: NodeSpec | undefined;
  filled: string;
  canEdit: boolean;
}

/** The ports of one side. */
export function Dots({ id, ports, side, spec, filled, canEdit }: DotsProps) {
  const { i18n } = useTranslation("editor");
  const [open, close] = side === "target" ? ["<", ">"] : ["{", "}"];
  return ports.map((port) => (
    <PortDot
      key={port.handle}
      node={id}
      port={port}
      side={side}
      filled={filled.includes(`${open}${port.handle}${close}`)}
      title={portAbout(spec, port.name, i18n.language)}
      label={portLabel(spec, port.name, i18n.language)}
      connectable={canEdit}
    />
  ));
}

/** The ports of a container that face inwards. */
export const InnerDots = Dots;
