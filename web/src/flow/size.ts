/** How large cards are: known from their ports, before they are drawn. */
import { type Ports, portsOf, type Specs } from "./infer";
import type { FlowEdge, FlowNode, FlowNote, Point } from "./types";

export const CARD_WIDTH = 204;
export const HEAD_HEIGHT = 58;
export const PORT_ROW = 20;
const ROWS_PADDING = 8;

export const NOTE_WIDTH = 220;
export const NOTE_HEIGHT = 120;

export interface Box extends Point {
  width: number;
  height: number;
}

/** Ports have rows of their own only where a side has several. */
export function cardHeight({ inputs, outputs }: Pick<Ports, "inputs" | "outputs">): number {
  const rows = Math.max(...[inputs, outputs].map((side) => (side.length > 1 ? side.length : 0)));
  return HEAD_HEIGHT + (rows > 0 ? rows * PORT_ROW + ROWS_PADDING : 0);
}

/** The room a node takes, or would take. */
export function cardBox(node: FlowNode, specs: Specs, edges: readonly FlowEdge[]): Box {
  return {
    ...node.position,
    width: CARD_WIDTH,
    height: cardHeight(portsOf(node, specs, edges)),
  };
}

export const noteBox = ({ position, size }: FlowNote): Box => ({
  ...position,
  width: size?.width ?? NOTE_WIDTH,
  height: size?.height ?? NOTE_HEIGHT,
});

const ASIDE = 16;
const BELOW = 32;

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width + ASIDE &&
  b.x < a.x + a.width + ASIDE &&
  a.y < b.y + b.height + ASIDE &&
  b.y < a.y + a.height + ASIDE;

/** The nearest place below `wanted` where something of this size lies on nothing else. */
export function freePlace(wanted: Box, taken: readonly Box[]): Point {
  let y = Math.round(wanted.y);
  const x = Math.round(wanted.x);
  for (let i = 0; i <= taken.length; i++) {
    const hit = taken.find((box) => overlap({ ...wanted, x, y }, box));
    if (!hit) break;
    y = Math.round(hit.y + hit.height + BELOW);
  }
  return { x, y };
}
