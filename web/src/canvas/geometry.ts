/** Where things are on a card: known before it is drawn, so that culling and edges need no measuring. */
import { type NodeHandle, Position } from "@xyflow/react";
import { type Ports, portsOf, type Specs } from "@/flow/infer";
import { family, parseType } from "@/flow/ports";
import {
  CARD_WIDTH,
  cardHeight,
  HEAD_HEIGHT,
  NOTE_HEIGHT,
  NOTE_WIDTH,
  PORT_ROW,
} from "@/flow/size";
import type { FlowEdge, FlowNode, PortLike } from "@/flow/types";

const DOT = 10;

export { CARD_WIDTH, HEAD_HEIGHT, NOTE_HEIGHT, NOTE_WIDTH };

export interface CardPort {
  name: string;
  /** Tells it apart on its node: one that faces inwards has a mark. */
  handle: string;
  type: string;
  family: string;
  /** Its type is decided by what is wired. */
  variable: boolean;
  required: boolean;
  multiple: boolean;
  y: number;
  /** Of a port that faces inwards: where on the card. */
  x?: number;
  /** Shown beside the dot: only where a side has several. */
  labelled: boolean;
}

export interface CardShape {
  inputs: CardPort[];
  outputs: CardPort[];
  height: number;
  /** Told to the canvas, so that it need not mount a card to know its size. */
  measured: { width: number; height: number };
  known: boolean;
  handles: NodeHandle[];
}

/** A port as it is drawn, at a height. */
export const cardPort = (port: PortLike, y: number, labelled: boolean): CardPort => ({
  name: port.name,
  handle: port.name,
  type: port.type,
  family: family(parseType(port.type)),
  variable: /\b[A-Z][A-Z0-9]?\b/.test(port.type),
  required: port.required !== false,
  multiple: port.multiple === true,
  y,
  labelled,
});

function place(ports: PortLike[]): CardPort[] {
  const several = ports.length > 1;
  return ports.map((port, i) =>
    cardPort(port, several ? HEAD_HEIGHT + PORT_ROW * (i + 0.5) : HEAD_HEIGHT / 2, several),
  );
}

/** Where a port is, for the canvas: known before the card is drawn. */
export const handleOf = (
  port: CardPort,
  type: "source" | "target",
  width = CARD_WIDTH,
): NodeHandle => ({
  id: port.handle,
  type,
  position: type === "source" ? Position.Right : Position.Left,
  x: (port.x ?? (type === "source" ? width : 0)) - DOT / 2,
  y: port.y - DOT / 2,
  width: DOT,
  height: DOT,
});

export function shapeOf(ports: Ports): CardShape {
  const inputs = place(ports.inputs);
  const outputs = place(ports.outputs);
  const height = cardHeight(ports);
  return {
    inputs,
    outputs,
    known: ports.known,
    height,
    measured: { width: CARD_WIDTH, height },
    handles: [
      ...inputs.map((port) => handleOf(port, "target")),
      ...outputs.map((port) => handleOf(port, "source")),
    ],
  };
}

const shapes = new Map<string, CardShape>();
let shapedFor: Specs | null = null;

/** The shape of a node's card; nodes of one type share one object. */
export function cardShape(node: FlowNode, specs: Specs, edges: readonly FlowEdge[]): CardShape {
  if (shapedFor !== specs) {
    shapes.clear();
    shapedFor = specs;
  }
  const ports = portsOf(node, specs, edges);
  const key = ports.known
    ? `${node.type}\u0000${ports.outputs.map((port) => port.name).join()}`
    : `?${[...ports.inputs, ...ports.outputs].map((p) => p.name).join()}|${ports.inputs.length}`;
  const known = shapes.get(key);
  if (known) return known;
  const shape = shapeOf(ports);
  shapes.set(key, shape);
  return shape;
}
