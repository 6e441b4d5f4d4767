import type { FlowPreview } from "@/api/types";

export interface PictureNode {
  key: string;
  x: number;
  y: number;
  width: number;
  height: number;
  category: string;
}

export interface Picture {
  nodes: PictureNode[];
  edges: { key: string; path: string }[];
}

const NODE_WIDTH = 204;
const NODE_HEIGHT = 60;
/** No node is drawn bigger than this share of its real size, so that small flows stay small. */
const LARGEST_SCALE = 0.32;
/** A long thin flow is stretched up to this much in height, so that it can be read. */
const MOST_STRETCH = 2;
const LOWEST_NODE = 9;

function curve(a: PictureNode, b: PictureNode, width: number): string {
  const x1 = a.x + a.width;
  const y1 = a.y + a.height / 2;
  const y2 = b.y + b.height / 2;
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
  const left = Math.min(...raw.map((node) => node.x));
  const top = Math.min(...raw.map((node) => node.y));
  const spanX = Math.max(...raw.map((node) => node.x)) - left + NODE_WIDTH;
  const spanY = Math.max(...raw.map((node) => node.y)) - top + NODE_HEIGHT;
  const scaleX = Math.min(LARGEST_SCALE, (width - 2 * margin) / spanX);
  const scaleY = Math.min(LARGEST_SCALE, (height - 2 * margin) / spanY, scaleX * MOST_STRETCH);
  const nodeWidth = NODE_WIDTH * scaleX * 1.08;
  const nodeHeight = Math.min(NODE_HEIGHT * scaleY * 1.1, Math.max(LOWEST_NODE, nodeWidth * 0.42));
  const dx = (width - spanX * scaleX) / 2 - (nodeWidth - NODE_WIDTH * scaleX) / 2;
  const dy = (height - spanY * scaleY) / 2 + (NODE_HEIGHT * scaleY - nodeHeight) / 2;
  const nodes = raw.map((node, index) => ({
    key: `${index}`,
    x: dx + (node.x - left) * scaleX,
    y: dy + (node.y - top) * scaleY,
    width: nodeWidth,
    height: nodeHeight,
    category: node.category,
  }));
  const edges = (preview?.edges ?? []).flatMap(([source, target], index) => {
    const a = nodes[source];
    const b = nodes[target];
    return a && b ? [{ key: `${index}`, path: curve(a, b, width) }] : [];
  });
  return { nodes, edges };
}
