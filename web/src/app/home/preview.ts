import type { FlowPreview } from "@/api/types";

export interface PictureNode {
  key: string;
  x: number;
  y: number;
  width: number;
  height: number;
  category: string;
  /** Where its edges begin and end, from its top. */
  port: number;
  /** It is drawn as a frame around what lies in it. */
  frame: boolean;
}

export interface Picture {
  nodes: PictureNode[];
  edges: { key: string; path: string }[];
}

const NODE_WIDTH = 204;
const NODE_HEIGHT = 60;
/** The room that a container takes around what lies in it, as on the canvas. */
const BESIDE = 122;
const ABOVE = 68;
const BELOW = 22;
const HEAD = 48;

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** What each node takes up: cards all the same, containers what lies in them and some more. */
function boxesOf(nodes: FlowPreview["nodes"] & object): (Box & { frame: boolean })[] {
  const found = new Map<number, Box & { frame: boolean }>();
  const boxOf = (at: number, depth: number): Box & { frame: boolean } => {
    const known = found.get(at);
    const { x, y } = nodes[at] as { x: number; y: number };
    const card = { x, y, width: NODE_WIDTH, height: NODE_HEIGHT, frame: false };
    if (known || depth > nodes.length) return known ?? card;
    const inner = nodes.flatMap((node, i) => (node.parent === at ? [boxOf(i, depth + 1)] : []));
    const box = inner.length === 0 ? card : { ...around(inner), frame: true };
    found.set(at, box);
    return box;
  };
  return nodes.map((_, at) => boxOf(at, 0));
}

function around(boxes: readonly Box[]): Box {
  const x = Math.min(...boxes.map((box) => box.x)) - BESIDE;
  const y = Math.min(...boxes.map((box) => box.y)) - ABOVE;
  const right = Math.max(...boxes.map((box) => box.x + box.width)) + BESIDE;
  const bottom = Math.max(...boxes.map((box) => box.y + box.height)) + BELOW;
  return { x, y, width: right - x, height: bottom - y };
}

/** No node is drawn bigger than this share of its real size, so that small flows stay small. */
const LARGEST_SCALE = 0.32;
/** A long thin flow is stretched up to this much in height, so that it can be read. */
const MOST_STRETCH = 2;
const LOWEST_NODE = 9;

function curve(a: PictureNode, b: PictureNode, width: number): string {
  const x1 = a.x + a.width;
  const y1 = a.y + a.port;
  const y2 = b.y + b.port;
  const bend = Math.max(5, Math.abs(b.x - x1) / 2);
  // An edge that leads back bends around its nodes, but not out of the picture.
  const out = Math.max(x1, Math.min(x1 + bend, width));
  const back = Math.min(b.x, Math.max(b.x - bend, 0));
  const n = (value: number) => Math.round(value * 10) / 10;
  return `M${n(x1)} ${n(y1)}C${n(out)} ${n(y1)} ${n(back)} ${n(y2)} ${n(b.x)} ${n(y2)}`;
}

/** Fits a flow's small picture into a frame, centred. */
export function pictureOf(
  preview: FlowPreview | null | undefined,
  width: number,
  height: number,
  margin = 18,
): Picture {
  const raw = preview?.nodes ?? [];
  if (raw.length === 0) return { nodes: [], edges: [] };
  const boxes = boxesOf(raw);
  const left = Math.min(...boxes.map((box) => box.x));
  const top = Math.min(...boxes.map((box) => box.y));
  const spanX = Math.max(...boxes.map((box) => box.x + box.width)) - left;
  const spanY = Math.max(...boxes.map((box) => box.y + box.height)) - top;
  const scaleX = Math.min(LARGEST_SCALE, (width - 2 * margin) / spanX);
  const scaleY = Math.min(LARGEST_SCALE, (height - 2 * margin) / spanY, scaleX * MOST_STRETCH);
  const nodeWidth = NODE_WIDTH * scaleX * 1.08;
  const nodeHeight = Math.min(NODE_HEIGHT * scaleY * 1.1, Math.max(LOWEST_NODE, nodeWidth * 0.42));
  const dx = (width - spanX * scaleX) / 2 - (nodeWidth - NODE_WIDTH * scaleX) / 2;
  const dy = (height - spanY * scaleY) / 2 + (NODE_HEIGHT * scaleY - nodeHeight) / 2;
  const nodes = boxes.map((box, index) => {
    const height = box.frame ? box.height * scaleY : nodeHeight;
    return {
      key: `${index}`,
      x: dx + (box.x - left) * scaleX,
      y: dy + (box.y - top) * scaleY,
      width: box.frame ? box.width * scaleX : nodeWidth,
      height,
      category: raw[index]?.category ?? "util",
      port: box.frame ? (HEAD / 2) * scaleY : height / 2,
      frame: box.frame,
    };
  });
  const edges = (preview?.edges ?? []).flatMap(([source, target], index) => {
    const a = nodes[source];
    const b = nodes[target];
    // What leads from a container into it, or back, is told by where its nodes lie.
    if (raw[target]?.parent === source || raw[source]?.parent === target) return [];
    return a && b ? [{ key: `${index}`, path: curve(a, b, width) }] : [];
  });
  return { nodes, edges };
}
