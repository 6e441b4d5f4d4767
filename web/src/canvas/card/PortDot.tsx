import { Handle, Position } from "@xyflow/react";
import { memo, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { portId } from "@/flow/infer";
import { family, typeText } from "@/flow/ports";
import { useGraph } from "@/flow/store";
import { useElements } from "../elements";
import { CARD_WIDTH, type CardPort, HEAD_HEIGHT } from "../geometry";
import { openQuickAdd, useCanvas, verdictAt } from "../state";
import classes from "./PortDot.module.css";

interface PortDotProps {
  node: string;
  port: CardPort;
  side: "source" | "target";
  filled: boolean;
  /** What it carries, in full. */
  title: string;
  /** What it is called, in a word or two. */
  label: string;
  connectable: boolean;
}

type Light = "off" | "from" | "yes" | "no";

/** How a port looks while a connection is being drawn: lit if it would take it. */
function useLight(node: string, port: string, side: "source" | "target"): Light {
  const from = useCanvas((s) => s.connecting);
  return useMemo(() => {
    if (!from) return "off";
    if (from.node === node && from.port === port && from.side === side) return "from";
    return verdictAt({ node, port, side })?.ok ? "yes" : "no";
  }, [from, node, port, side]);
}

/** The type at a port: what is wired decides for a type variable. */
function useType(node: string, port: CardPort, side: "source" | "target"): string {
  return useElements((s) => {
    if (!port.variable) return port.type;
    const { inputs, outputs } = s.inferred;
    const found = (side === "source" ? outputs : inputs).get(portId(node, port.name));
    return found ? typeText(found) : port.type;
  });
}

/** A port: a dot in the colour of its type's family, hollow while it is required and empty. */
export const PortDot = memo(function PortDot(props: PortDotProps) {
  const { node, port, side, filled, title, label, connectable } = props;
  const { t } = useTranslation("editor");
  const light = useLight(node, port.name, side);
  const type = useType(node, port, side);
  const tip = `${title} · ${type}`;
  const needed = side === "target" && port.required && !filled;
  return (
    <>
      <Handle
        type={side}
        id={port.name}
        position={side === "source" ? Position.Right : Position.Left}
        style={{ top: port.y }}
        className={classes.dot}
        isConnectable={connectable}
        title={tip}
        role="button"
        aria-label={t(side === "source" ? "port.output" : "port.input", { port: tip })}
        data-testid="port"
        data-port={port.name}
        data-side={side}
        data-family={family(type)}
        data-needed={needed}
        data-light={light}
        onClick={(event) => {
          event.stopPropagation();
          if (connectable) openBeside(event.currentTarget, node, port, side);
        }}
      />
      <span
        className={classes.label}
        data-side={side}
        data-shown={port.labelled}
        style={{ top: port.y }}
      >
        {label}
      </span>
    </>
  );
});

const GAP = 72;

/** A click on a port asks what to connect it to. */
function openBeside(
  dot: HTMLElement,
  node: string,
  port: CardPort,
  side: "source" | "target",
): void {
  const box = dot.getBoundingClientRect();
  const place = placeBeside(node, port, side);
  openQuickAdd({
    at: { x: side === "source" ? box.right + 8 : box.left - 8, y: box.top - 12 },
    place,
    from: { node, port: port.name, side },
  });
}

/** Where a node stands that is added at a port. */
function placeBeside(node: string, port: CardPort, side: "source" | "target") {
  const at = useGraph.getState().nodes[node]?.position ?? { x: 0, y: 0 };
  const y = at.y + port.y - HEAD_HEIGHT / 2;
  return side === "source" ? { x: at.x + CARD_WIDTH + GAP, y } : { x: at.x - CARD_WIDTH - GAP, y };
}
