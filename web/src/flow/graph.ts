/** Questions about the wiring of a flow, answered on plain edges. */
import type { EdgeEnds, Point } from "./types";

type Wires = readonly EdgeEnds[];

function neighbours(edges: Wires, from: "source" | "target", to: "source" | "target") {
  const map = new Map<string, string[]>();
  for (const edge of edges) {
    const list = map.get(edge[from]);
    if (list) list.push(edge[to]);
    else map.set(edge[from], [edge[to]]);
  }
  return map;
}

function spread(start: string, next: Map<string, string[]>): Set<string> {
  const found = new Set<string>();
  const open = [start];
  for (let at = open.pop(); at !== undefined; at = open.pop()) {
    for (const node of next.get(at) ?? []) {
      if (!found.has(node)) {
        found.add(node);
        open.push(node);
      }
    }
  }
  return found;
}

/** Every node that leads to this one. */
export const ancestors = (edges: Wires, node: string): Set<string> =>
  spread(node, neighbours(edges, "target", "source"));

/** Every node this one leads to. */
export const descendants = (edges: Wires, node: string): Set<string> =>
  spread(node, neighbours(edges, "source", "target"));

/** Whether an edge from `source` to `target` would lead back to where it came from. */
export const closesCycle = (edges: Wires, source: string, target: string): boolean =>
  source === target || ancestors(edges, source).has(target);

/** Nodes in an order in which every one comes after those that lead to it. */
export function order(ids: readonly string[], edges: Wires): string[] {
  const waiting = new Map(ids.map((id) => [id, 0]));
  for (const edge of edges) {
    if (waiting.has(edge.source)) waiting.set(edge.target, (waiting.get(edge.target) ?? 0) + 1);
  }
  const next = neighbours(edges, "source", "target");
  const ready = ids.filter((id) => waiting.get(id) === 0);
  const done: string[] = [];
  for (let i = 0; i < ready.length; i++) {
    const id = ready[i] as string;
    done.push(id);
    for (const target of next.get(id) ?? []) {
      const left = (waiting.get(target) ?? 1) - 1;
      waiting.set(target, left);
      if (left === 0) ready.push(target);
    }
  }
  return done;
}

/** How many steps each node is away from the beginning. */
export function depths(ids: readonly string[], edges: Wires): Map<string, number> {
  const depth = new Map(ids.map((id) => [id, 0]));
  const next = neighbours(edges, "source", "target");
  for (const id of order(ids, edges)) {
    for (const target of next.get(id) ?? []) {
      depth.set(target, Math.max(depth.get(target) ?? 0, (depth.get(id) ?? 0) + 1));
    }
  }
  return depth;
}

const COLUMN = 276;
const ROW = 108;

/** Places for nodes that came without one: columns by depth, below what is already placed. */
export function places(
  missing: readonly string[],
  edges: Wires,
  placed: readonly Point[],
): Map<string, Point> {
  const top = placed.length ? Math.max(...placed.map((p) => p.y)) + 2 * ROW : 0;
  const left = placed.length ? Math.min(...placed.map((p) => p.x)) : 0;
  const inside = new Set(missing);
  const wires = edges.filter((e) => inside.has(e.source) && inside.has(e.target));
  const depth = depths(missing, wires);
  const rows = new Map<number, number>();
  const found = new Map<string, Point>();
  for (const id of [...missing].sort()) {
    const column = depth.get(id) ?? 0;
    const row = rows.get(column) ?? 0;
    rows.set(column, row + 1);
    found.set(id, { x: left + column * COLUMN, y: top + row * ROW });
  }
  return found;
}
