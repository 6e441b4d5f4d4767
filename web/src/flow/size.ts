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

/** The smallest box around some. */
export function hull(boxes: readonly Box[]): Box {
  const x = Math.min(...boxes.map((box) => box.x));
  const y = Math.min(...boxes.map((box) => box.y));
  const width = Math.max(...boxes.map((box) => box.x + box.width)) - x;
  return { x, y, width, height: Math.max(...boxes.map((box) => box.y + box.height)) - y };
}

const ASIDE = 16;
const BELOW = 32;
const BESIDE = 48;

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width + ASIDE &&
  b.x < a.x + a.width + ASIDE &&
  a.y < b.y + b.height + ASIDE &&
  b.y < a.y + a.height + ASIDE;

/** A part of the canvas, and what of it cannot be seen. */
export interface Room extends Box {
  covered: readonly Box[];
}

/**
 * Where something of this size lies on nothing else: the nearest place within `room`, or, where
 * that has none, the nearest one below `wanted`.
 */
export function freePlace(wanted: Box, taken: readonly Box[], room: Room | null = null): Point {
  const seen = room && placeWithin(wanted, [...taken, ...room.covered], room);
  return seen ?? placeBelow(wanted, taken);
}

/** Beside so many things near to it a place is sought, and at so many points of the room. */
const MOST_NEAR = 10;
const ACROSS = 24;

function placeWithin(wanted: Box, taken: readonly Box[], room: Room): Point | null {
  const { width, height } = wanted;
  const most = { x: room.x + room.width - width, y: room.y + room.height - height };
  if (most.x < room.x || most.y < room.y) return null;
  const clamp = (at: number, least: number, last: number) => Math.min(Math.max(at, least), last);
  const start = { x: clamp(wanted.x, room.x, most.x), y: clamp(wanted.y, room.y, most.y) };
  const away = (p: Point) => Math.hypot(p.x - start.x, p.y - start.y);
  const met = taken.filter((box) => overlap(room, box));
  const near = [...met].sort((a, b) => away(a) - away(b)).slice(0, MOST_NEAR);
  const xs = [start.x, ...near.flatMap((b) => [b.x - width - BESIDE, b.x + b.width + BESIDE])];
  const ys = [start.y, ...near.flatMap((b) => [b.y - height - BELOW, b.y + b.height + BELOW])];
  const along = (least: number, last: number) =>
    Array.from({ length: ACROSS + 1 }, (_, i) => least + ((last - least) * i) / ACROSS);
  const places = [
    ...crossed(xs, ys),
    ...crossed(along(room.x, most.x), along(room.y, most.y)),
  ].filter(({ x, y }) => x >= room.x && x <= most.x && y >= room.y && y <= most.y);
  const free = places
    .sort((a, b) => away(a) - away(b))
    .find(({ x, y }) => !met.some((box) => overlap({ x, y, width, height }, box)));
  return free ? { x: Math.round(free.x), y: Math.round(free.y) } : null;
}

const crossed = (xs: readonly number[], ys: readonly number[]): Point[] =>
  xs.flatMap((x) => ys.map((y) => ({ x, y })));

function placeBelow(wanted: Box, taken: readonly Box[]): Point {
  let y = Math.round(wanted.y);
  const x = Math.round(wanted.x);
  for (let i = 0; i <= taken.length; i++) {
    const hit = taken.find((box) => overlap({ ...wanted, x, y }, box));
    if (!hit) break;
    y = Math.round(hit.y + hit.height + BELOW);
  }
  return { x, y };
}
