/** Where things are on the frame of a container: known before it is drawn. */
import { type NodeHandle, Position } from "@xyflow/react";
import { type Band, type Frame, INNER_ROW, portsIn, RAIL } from "@/flow/frames";
import { portsOf, type Specs } from "@/flow/infer";
import { innerId } from "@/flow/nesting";
import type { FlowEdge, FlowNode, InnerPortLike, PortLike } from "@/flow/types";
import { type CardPort, cardPort, handleOf } from "../geometry";

export interface ContainerShape {
  width: number;
  height: number;
  head: number;
  bands: Band[];
  inputs: CardPort[];
  outputs: CardPort[];
  /** Where edges into it start: along its left border. */
  starts: CardPort[];
  /** Where edges out of it end: along its right border. */
  ends: CardPort[];
  measured: { width: number; height: number };
  handles: NodeHandle[];
}

function alongHead(ports: readonly PortLike[], head: number): CardPort[] {
  const several = ports.length > 1;
  return ports.map((port, i) => cardPort(port, (head / ports.length) * (i + 0.5), several));
}

function alongBand(ports: readonly InnerPortLike[], band: Band, x: number): CardPort[] {
  const top = band.y + (band.height - ports.length * INNER_ROW) / 2;
  return ports.map((port, i) => ({
    ...cardPort(port, top + INNER_ROW * (i + 0.5), true),
    required: port.required === true,
    handle: innerId(port.name),
    x,
  }));
}

const shapes = new Map<string, { key: string; shape: ContainerShape }>();

/** The shape of a container's frame; the same object while nothing of it changed. */
export function containerShape(
  node: FlowNode,
  frame: Frame,
  specs: Specs,
  edges: readonly FlowEdge[],
): ContainerShape {
  const { width, height, head, bands } = frame;
  const ports = portsOf(node, specs, edges);
  const names = ports.outputs.map((port) => port.name);
  const key = JSON.stringify([node.type, names, width, height, bands]);
  const known = shapes.get(node.id);
  if (known?.key === key) return known.shape;
  const inside = ports.inside ?? { inputs: [], outputs: [] };
  const inputs = alongHead(ports.inputs, head);
  const outputs = alongHead(ports.outputs, head);
  const starts = bands.flatMap((band) =>
    alongBand(portsIn(inside, band.section).outputs, band, RAIL),
  );
  const ends = bands.flatMap((band) =>
    alongBand(portsIn(inside, band.section).inputs, band, width - RAIL),
  );
  const handles = [
    ...inputs.map((port) => handleOf(port, "target", width)),
    ...outputs.map((port) => handleOf(port, "source", width)),
    ...starts.map((port) => handleOf(port, "source", width)),
    ...ends.map((port) => handleOf(port, "target", width)),
  ];
  const measured = { width, height };
  const shape = { width, height, head, bands, inputs, outputs, starts, ends, measured, handles };
  shapes.set(node.id, { key, shape });
  return shape;
}

const FOLDED = 10;

/** On the card of a folded container: where edges end that lead to what lies in it. */
export const foldedHandles = (width: number, height: number): NodeHandle[] =>
  [
    { id: FOLDED_IN, type: "target", position: Position.Left, x: 0, y: height / 2 },
    { id: FOLDED_OUT, type: "source", position: Position.Right, x: width, y: height / 2 },
  ].map((each) => ({ ...each, width: FOLDED, height: FOLDED }) as NodeHandle);

export const FOLDED_IN = "@folded-in";
export const FOLDED_OUT = "@folded-out";
