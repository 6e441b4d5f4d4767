/** Auto layout: where cards stand so that the flow reads from left to right. */
import type { ElkExtendedEdge, ElkNode } from "elkjs/lib/elk-api";
import type { FlowEdge, Point } from "@/flow/types";
import type { CardNode } from "../elements";
import { CARD_WIDTH } from "../geometry";

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
export function layoutInput(nodes: readonly CardNode[], edges: readonly FlowEdge[]): ElkNode {
  const inside = new Set(nodes.map((node) => node.id));
  const inOrder = [...nodes].sort((a, b) => a.position.y - b.position.y);
  return {
    id: "root",
    layoutOptions: OPTIONS,
    children: inOrder.map(({ id, data: { shape } }) => ({
      id,
      width: CARD_WIDTH,
      height: shape.height,
      layoutOptions: { "elk.portConstraints": "FIXED_POS" },
      ports: [
        ...shape.inputs.map((p) => port(portId(id, "in", p.name), "WEST", 0, p.y)),
        ...shape.outputs.map((p) => port(portId(id, "out", p.name), "EAST", CARD_WIDTH, p.y)),
      ],
    })),
    edges: edges
      .filter((e) => inside.has(e.source) && inside.has(e.target))
      .map(
        (e): ElkExtendedEdge => ({
          id: e.id,
          sources: [portId(e.source, "out", e.source_port)],
          targets: [portId(e.target, "in", e.target_port)],
        }),
      ),
  };
}

const port = (id: string, side: string, x: number, y: number) => ({
  id,
  x,
  y,
  width: 1,
  height: 1,
  layoutOptions: { "elk.port.side": side },
});

/** Groups of nodes that hang together, the topmost first. */
function components(nodes: readonly CardNode[], edges: readonly FlowEdge[]): CardNode[][] {
  const group = new Map(nodes.map((node) => [node.id, node.id]));
  const root = (id: string): string => {
    const up = group.get(id) ?? id;
    return up === id ? id : root(up);
  };
  for (const { source, target } of edges) {
    if (group.has(source) && group.has(target)) group.set(root(source), root(target));
  }
  const found = new Map<string, CardNode[]>();
  for (const node of nodes) {
    const list = found.get(root(node.id));
    if (list) list.push(node);
    else found.set(root(node.id), [node]);
  }
  const top = (list: CardNode[]) => Math.min(...list.map((node) => node.position.y));
  return [...found.values()].sort((a, b) => top(a) - top(b));
}

/** The places found: groups below each other in the order they had, the corner where it was. */
export function layoutPlaces(
  laid: ElkNode,
  nodes: readonly CardNode[],
  edges: readonly FlowEdge[],
): Record<string, Point> {
  const found = new Map((laid.children ?? []).map((child) => [child.id, child]));
  const at = (node: CardNode): Point => {
    const child = found.get(node.id);
    return { x: child?.x ?? 0, y: child?.y ?? 0 };
  };
  const left = Math.min(...nodes.map((node) => node.position.x));
  let top = Math.min(...nodes.map((node) => node.position.y));
  const places: Record<string, Point> = {};
  for (const group of components(nodes, edges)) {
    const x = Math.min(...group.map((node) => at(node).x));
    const y = Math.min(...group.map((node) => at(node).y));
    const bottom = Math.max(...group.map((node) => at(node).y + node.data.shape.height));
    for (const node of group) {
      const { x: px, y: py } = at(node);
      places[node.id] = { x: Math.round(left + px - x), y: Math.round(top + py - y) };
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

/** Finds a place for each of the nodes. */
export async function layOut(
  nodes: readonly CardNode[],
  edges: readonly FlowEdge[],
): Promise<Record<string, Point>> {
  const elk = await loadEngine();
  return layoutPlaces(await elk.layout(layoutInput(nodes, edges)), nodes, edges);
}

interface Box {
  position: Point;
  width: number;
  height: number;
}

const apart = (a: Box, b: Box): number =>
  Math.hypot(
    a.position.x + a.width / 2 - b.position.x - b.width / 2,
    a.position.y + a.height / 2 - b.position.y - b.height / 2,
  );

const overlap = (a: Box, b: Box): boolean =>
  a.position.x < b.position.x + b.width + GAP &&
  b.position.x < a.position.x + a.width + GAP &&
  a.position.y < b.position.y + b.height + GAP &&
  b.position.y < a.position.y + a.height + GAP;

const GAP = 12;

/** A note goes along with the card it lies nearest to, and out of the way of all cards. */
export function notePlaces(
  notes: readonly (Box & { id: string })[],
  cards: readonly (Box & { id: string })[],
  to: Readonly<Record<string, Point>>,
): Record<string, Point> {
  const moved = cards.map((card) => ({ ...card, position: to[card.id] ?? card.position }));
  const places: Record<string, Point> = {};
  for (const note of notes) {
    const nearest = cards.reduce<(Box & { id: string }) | null>(
      (best, card) => (best && apart(best, note) <= apart(card, note) ? best : card),
      null,
    );
    const end = nearest && to[nearest.id];
    if (!nearest || !end) continue;
    let at = {
      x: note.position.x + end.x - nearest.position.x,
      y: note.position.y + end.y - nearest.position.y,
    };
    for (let i = 0; i < cards.length; i++) {
      const hit = moved.find((card) => overlap({ ...note, position: at }, card));
      if (!hit) break;
      at = { x: at.x, y: hit.position.y + hit.height + GAP };
    }
    places[note.id] = at;
  }
  return places;
}
