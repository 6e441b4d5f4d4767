import { Handle, Position } from "@xyflow/react";
import { memo, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { INSET } from "@/flow/frames";
import { portId } from "@/flow/infer";
import { family, typeText } from "@/flow/ports";
import { boxOf } from "@/flow/scene";
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
    const found = (side === "source" ? outputs : inputs).get(portId(node, port.handle));
    return found ? typeText(found) : port.type;
  });
}

/** A port: a dot in the colour of its type's family, hollow while it is required and empty. */
export const PortDot = memo(function PortDot(props: PortDotProps) {
  const { node, port, side, filled, title, label, connectable } = props;
  const { t } = useTranslation("editor");
  const light = useLight(node, port.handle, side);
  const type = useType(node, port, side);
  const tip = `${title} · ${type}`;
  const needed = side === "target" && port.required && !filled;
  return (
    <>
      <Handle
        type={side}
        id={port.handle}
        position={side === "source" ? Position.Right : Position.Left}
        style={port.x === undefined ? { top: port.y } : { top: port.y, ...across(port.x, side) }}
        className={classes.dot}
        data-inner={port.x !== undefined}
        isConnectable={connectable}
        title={tip}
        role="button"
        aria-label={t(side === "source" ? "port.output" : "port.input", { port: tip })}
        data-testid="port"
        data-port={port.handle}
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
        data-inner={port.x !== undefined}
        style={port.x === undefined ? { top: port.y } : { top: port.y, left: port.x }}
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
    from: { node, port: port.handle, side },
  });
}

/** Ports that face inwards stand in the room along the border, not on it. */
const across = (x: number, side: "source" | "target") =>
  side === "source" ? { left: x, right: "auto" } : { left: x };

/** Where a node stands that is added at a port. */
function placeBeside(node: string, port: CardPort, side: "source" | "target") {
  const box = boxOf(node) ?? { x: 0, y: 0, width: CARD_WIDTH };
  const y = box.y + port.y - HEAD_HEIGHT / 2;
  if (port.x !== undefined) {
    const x = side === "source" ? INSET : box.width - INSET - CARD_WIDTH;
    return { x: box.x + x, y };
  }
  const x = side === "source" ? box.width + GAP : -CARD_WIDTH - GAP;
  return { x: box.x + x, y };
}
