/** Auto layout: where cards stand so that the flow reads from left to right. */
import type { ElkExtendedEdge, ElkNode } from "elkjs/lib/elk-api";
import type { EdgeEnds, Point } from "@/flow/types";
import type { Block } from "./blocks";

const OPTIONS = {
  "elk.algorithm": "layered",
  "elk.direction": "RIGHT",
  "elk.layered.spacing.nodeNodeBetweenLayers": "76",
  "elk.spacing.nodeNode": "36",
  "elk.spacing.componentComponent": "56",
  "elk.layered.nodePlacement.strategy": "NETWORK_SIMPLEX",
  "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES",
};

const portId = (node: string, side: string, port: string) => `${node}/${side}/${port}`;

/** The graph as the layout engine takes it: ports stay where the cards draw them. */
export function layoutInput(blocks: readonly Block[], edges: readonly LaidEdge[]): ElkNode {
  const inside = new Set(blocks.map((block) => block.id));
  const inOrder = [...blocks].sort((a, b) => a.position.y - b.position.y);
  return {
    id: "root",
    layoutOptions: OPTIONS,
    children: inOrder.map(({ id, width, height, inputs, outputs }) => ({
      id,
      width,
      height,
      layoutOptions: { "elk.portConstraints": "FIXED_POS" },
      ports: [
        ...inputs.map((p) => port(portId(id, "in", p.name), "WEST", 0, p.y)),
        ...outputs.map((p) => port(portId(id, "out", p.name), "EAST", width, p.y)),
      ],
    })),
    edges: edges
      .filter((e) => inside.has(e.source) && inside.has(e.target))
      .map(
        (e): ElkExtendedEdge => ({
          id: e.id,
          sources: [end(blocks, e.source, "out", e.source_port)],
          targets: [end(blocks, e.target, "in", e.target_port)],
        }),
      ),
  };
}

export type LaidEdge = EdgeEnds & { id: string };

/** The port an edge ends at, or the block itself: an edge may lead to what lies deeper in it. */
function end(blocks: readonly Block[], id: string, side: "in" | "out", name: string): string {
  const block = blocks.find((each) => each.id === id);
  const ports = side === "in" ? block?.inputs : block?.outputs;
  return ports?.some((port) => port.name === name) ? portId(id, side, name) : id;
}

const port = (id: string, side: string, x: number, y: number) => ({
  id,
  x,
  y,
  width: 1,
  height: 1,
  layoutOptions: { "elk.port.side": side },
});

/** Groups of blocks that hang together, the topmost first. */
function components(blocks: readonly Block[], edges: readonly EdgeEnds[]): Block[][] {
  const group = new Map(blocks.map((block) => [block.id, block.id]));
  const root = (id: string): string => {
    const up = group.get(id) ?? id;
    return up === id ? id : root(up);
  };
  for (const { source, target } of edges) {
    if (group.has(source) && group.has(target)) group.set(root(source), root(target));
  }
  const found = new Map<string, Block[]>();
  for (const block of blocks) {
    const list = found.get(root(block.id));
    if (list) list.push(block);
    else found.set(root(block.id), [block]);
  }
  const top = (list: Block[]) => Math.min(...list.map((block) => block.position.y));
  return [...found.values()].sort((a, b) => top(a) - top(b));
}

/** The places found: groups below each other in the order they had, the corner where it was. */
export function layoutPlaces(
  laid: ElkNode,
  blocks: readonly Block[],
  edges: readonly EdgeEnds[],
): Record<string, Point> {
  const found = new Map((laid.children ?? []).map((child) => [child.id, child]));
  const at = (block: Block): Point => {
    const child = found.get(block.id);
    return { x: child?.x ?? 0, y: child?.y ?? 0 };
  };
  const left = Math.min(...blocks.map((block) => block.position.x));
  let top = Math.min(...blocks.map((block) => block.position.y));
  const places: Record<string, Point> = {};
  for (const group of components(blocks, edges)) {
    const x = Math.min(...group.map((block) => at(block).x));
    const y = Math.min(...group.map((block) => at(block).y));
    const bottom = Math.max(...group.map((block) => at(block).y + block.height));
    for (const block of group) {
      const { x: px, y: py } = at(block);
      places[block.id] = { x: Math.round(left + px - x), y: Math.round(top + py - y) };
    }
    top += bottom - y + BETWEEN;
  }
  return places;
}

const BETWEEN = 56;

type Engine = { layout: (graph: ElkNode) => Promise<ElkNode> };
let engine: Promise<Engine> | null = null;

/** The layout engine runs in a worker of its own and is loaded when first asked for. */
function loadEngine(): Promise<Engine> {
  engine ??= Promise.all([
    import("elkjs/lib/elk-api"),
    import("elkjs/lib/elk-worker.min.js?url"),
  ]).then(([{ default: ELK }, { default: workerUrl }]) => new ELK({ workerUrl }));
  return engine;
}

/** Finds a place for each of the blocks of one level. */
export async function layOut(
  blocks: readonly Block[],
  edges: readonly LaidEdge[],
): Promise<Record<string, Point>> {
  if (blocks.length === 0) return {};
  const elk = await loadEngine();
  return layoutPlaces(await elk.layout(layoutInput(blocks, edges)), blocks, edges);
}
