/** The view of the canvas, for commands that come from outside of it. */
import { getViewportForBounds, type ReactFlowInstance, type Viewport } from "@xyflow/react";
import { setFolded } from "@/flow/folded";
import { chainOf } from "@/flow/nesting";
import { aroundNow } from "@/flow/scene";
import { type Box, hull, type Room } from "@/flow/size";
import { setSelection } from "@/flow/store";
import type { Point } from "@/flow/types";
import { type CanvasNode, useElements, type WireEdge } from "./elements";
import { CARD_WIDTH, HEAD_HEIGHT } from "./geometry";

type Instance = ReactFlowInstance<CanvasNode, WireEdge>;

let flow: Instance | null = null;
let frame: HTMLElement | null = null;

const MOTION_MS = 160;
const FIT = { maxZoom: 1.1, minZoom: 0.05 };
/** Around what is shown whole, in pixels; below it are the tools. */
const AROUND = { top: 36, right: 36, bottom: 64, left: 36 };

export function bindView(instance: Instance | null, element: HTMLElement | null): void {
  flow = instance;
  frame = element;
}

const calm = (): boolean => window.matchMedia("(prefers-reduced-motion: reduce)").matches;
const duration = (): number => (calm() ? 0 : MOTION_MS);

/** Whether the view is as `showAll` left it. */
let whole = false;
export const wholeShown = (): boolean => whole;

/** The person moved the view; moves made by the program have no event. */
export function moved(event: MouseEvent | TouchEvent | null): void {
  if (event) whole = false;
}

export function showAll(ids?: readonly string[]): void {
  whole = ids === undefined;
  const chosen = ids && new Set(ids);
  const all = useElements.getState().nodes;
  const boxes = (chosen ? all.filter(({ id }) => chosen.has(id)) : all).map(boxOfElement);
  const size = frame?.getBoundingClientRect();
  if (!flow || !size || boxes.length === 0) return;
  void flow.setViewport(fitted(boxes, size), { duration: duration() });
}

const boxOfElement = ({ position, width = CARD_WIDTH, height = HEAD_HEIGHT }: CanvasNode): Box => ({
  ...position,
  width,
  height,
});

/** The view that shows boxes whole, and none of them under tools. */
function fitted(boxes: readonly Box[], size: DOMRect): Viewport {
  const bounds = hull(boxes);
  const view = (bottom: number) => {
    const { top, right, left } = AROUND;
    const padding = {
      top: `${top}px`,
      right: `${right}px`,
      bottom: `${bottom}px`,
      left: `${left}px`,
    } as const;
    const { width, height } = size;
    return getViewportForBounds(bounds, width, height, FIT.minZoom, FIT.maxZoom, padding);
  };
  const plain = view(AROUND.bottom);
  const under = toolsOver().filter((tool) => boxes.some((box) => meets(box, plain, tool, size)));
  if (under.length === 0) return plain;
  const highest = Math.min(...under.map((tool) => tool.top));
  // Where the tools take half of the room, what matters is to see something.
  return view(Math.min(size.bottom - highest + GAP, size.height / 2));
}

/** Whether a box on the canvas is covered by something on the page. */
function meets(box: Box, { x, y, zoom }: Viewport, tool: DOMRect, size: DOMRect): boolean {
  const left = size.left + x + box.x * zoom;
  const top = size.top + y + box.y * zoom;
  const across = left < tool.right && tool.left < left + box.width * zoom;
  return across && top < tool.bottom && tool.top < top + box.height * zoom;
}

/** Shows a part of the canvas whole. */
export function showBox(box: { x: number; y: number; width: number; height: number }): void {
  whole = false;
  void flow?.fitBounds(box, { padding: 0.18, duration: duration() });
}

/** Shows these nodes, or all, if one of them lies outside of what is seen. */
export function showIfHidden(ids?: readonly string[]): void {
  const box = frame?.getBoundingClientRect();
  if (!flow || !box) return;
  const chosen = ids && new Set(ids);
  const hidden = useElements.getState().nodes.some((node) => {
    if (!flow || chosen?.has(node.id) === false) return false;
    const { x, y } = node.position;
    const end = { x: x + (node.width ?? CARD_WIDTH), y: y + (node.height ?? HEAD_HEIGHT) };
    const from = flow.flowToScreenPosition(node.position);
    const to = flow.flowToScreenPosition(end);
    return from.x < box.left || to.x > box.right || from.y < box.top || to.y > box.bottom;
  });
  if (hidden) showAll(ids);
}

interface Size {
  width: number;
  height: number;
}

/** When a panel takes room or gives it back, what was in the middle stays there. */
export function keepMiddle(before: Size, now: Size): void {
  if (!flow || before.width === 0 || before.height === 0) return;
  const { x, y, zoom } = flow.getViewport();
  const aside = (now.width - before.width) / 2;
  const down = (now.height - before.height) / 2;
  void flow.setViewport({ x: x + aside, y: y + down, zoom });
}

export const zoomNow = (): number => flow?.getZoom() ?? 1;

function zoomBy(change: (flow: Instance, options: { duration: number }) => void): void {
  whole = false;
  if (flow) change(flow, { duration: duration() });
}

export const zoomIn = (): void => zoomBy((at, options) => void at.zoomIn(options));
export const zoomOut = (): void => zoomBy((at, options) => void at.zoomOut(options));
export const zoomTo = (zoom: number): void =>
  zoomBy((at, options) => void at.zoomTo(zoom, options));

/** The middle of what is seen, as the place of a card. */
export function centre(): Point {
  const box = frame?.getBoundingClientRect();
  if (!flow || !box) return { x: 0, y: 0 };
  const middle = flow.screenToFlowPosition({
    x: box.left + box.width / 2,
    y: box.top + box.height / 2,
  });
  return { x: middle.x - CARD_WIDTH / 2, y: middle.y - HEAD_HEIGHT / 2 };
}

export const toCanvas = (at: Point): Point => flow?.screenToFlowPosition(at) ?? at;
export const toPage = (at: Point): Point => flow?.flowToScreenPosition(at) ?? at;

/** Where the quick-add window opens when it was not asked for at a place. */
export function middleOfPage(): Point {
  const box = frame?.getBoundingClientRect();
  return box ? { x: box.left + box.width / 2 - 160, y: box.top + 80 } : { x: 300, y: 200 };
}

/** Shows a node in the middle and selects it. */
export function jumpTo(id: string): void {
  setFolded(chainOf(id, aroundNow()).slice(0, -1), false);
  const node = useElements.getState().nodes.find((n) => n.id === id);
  if (!node) return;
  setSelection([id]);
  lookAt({
    x: node.position.x + (node.width ?? CARD_WIDTH) / 2,
    y: node.position.y + (node.height ?? HEAD_HEIGHT) / 2,
  });
}

export function lookAt(at: Point): void {
  whole = false;
  const zoom = Math.max(flow?.getZoom() ?? 1, 0.7);
  void flow?.setCenter(at.x, at.y, { zoom, duration: duration() });
}

const MARGIN = 24;
const GAP = 8;
/** Tools that lie over the canvas. */
const TOOLS = "[data-over-canvas], .react-flow__panel";

const toolsOver = (): DOMRect[] =>
  [...(frame?.querySelectorAll(TOOLS) ?? [])].map((tool) => tool.getBoundingClientRect());

const onCanvas = (view: Instance, { left, top, right, bottom }: Edges): Box => {
  const { x, y } = view.screenToFlowPosition({ x: left, y: top });
  const end = view.screenToFlowPosition({ x: right, y: bottom });
  return { x, y, width: end.x - x, height: end.y - y };
};

type Edges = Pick<DOMRect, "left" | "top" | "right" | "bottom">;

/** The part of the canvas that is seen, and what of it lies under tools. */
export function roomNow(): Room | null {
  const box = frame?.getBoundingClientRect();
  if (!flow || !box) return null;
  const { left, top, right, bottom } = box;
  const inner = { left: left + MARGIN, top: top + MARGIN, right: right - MARGIN };
  const view = flow;
  const covered = toolsOver().map((tool) => onCanvas(view, tool));
  return { ...onCanvas(flow, { ...inner, bottom: bottom - MARGIN }), covered };
}

/** How far a stretch has to go to lie between two bounds; its beginning comes first. */
function beyond(least: number, most: number, low: number, high: number): number {
  if (low >= least && high <= most) return 0;
  return low < least || high - low > most - least ? least - low : most - high;
}

/** Moves the view just so far that a card is seen, and not under tools. */
export function reveal({ x: left, y: top, width, height }: Box): void {
  const box = frame?.getBoundingClientRect();
  if (!flow || !box) return;
  const from = flow.flowToScreenPosition({ x: left, y: top });
  const to = flow.flowToScreenPosition({ x: left + width, y: top + height });
  const x = beyond(box.left + MARGIN, box.right - MARGIN, from.x, to.x);
  let y = beyond(box.top + MARGIN, box.bottom - MARGIN, from.y, to.y);
  for (const tool of toolsOver()) {
    const aside = to.x + x < tool.left || from.x + x > tool.right;
    if (aside || to.y + y < tool.top - GAP || from.y + y > tool.bottom) continue;
    y -= to.y + y - (tool.top - GAP);
  }
  if (x === 0 && y === 0) return;
  whole = false;
  const now = flow.getViewport();
  const viewport = { x: now.x + x, y: now.y + y, zoom: now.zoom };
  void flow.setViewport(viewport, { duration: duration() });
}

export function focusCanvas(): void {
  frame?.focus({ preventScroll: true });
}

/** Whether a shortcut of the canvas may act: nothing else has the keys. */
export function canvasHasKeys(): boolean {
  const at = document.activeElement;
  return at === null || at === document.body || frame?.contains(at) === true;
}
