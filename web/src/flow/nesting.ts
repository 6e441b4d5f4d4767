/**
 * What lies in what: nodes in containers, and what their edges are to each other.
 *
 * The same rules as `weft_engine.flow.topology` and `weft_engine.compiler.scopes`. A port of a
 * container that faces inwards is told apart by an `@` before its name; the document knows no such
 * mark, there it follows from where the other end lies.
 */
import type { EdgeEnds, FlowNode, SpecLike } from "./types";

type Specs = ReadonlyMap<string, SpecLike>;
type Nodes = Readonly<Record<string, FlowNode>>;

/** Node → the container in which it lies. */
export type Around = ReadonlyMap<string, string>;

const MARK = "@";
export const innerId = (port: string): string => MARK + port;
export const isInner = (handle: string): boolean => handle.startsWith(MARK);
export const portName = (handle: string): string => (isInner(handle) ? handle.slice(1) : handle);

/** Whether nodes can lie in it: a call opens the inside of another flow, and is a card here. */
export function isContainer(node: { type: string } | undefined, specs: Specs): boolean {
  const inside = node && specs.get(node.type)?.inside;
  return inside ? inside.inputs.length + inside.outputs.length > 0 : false;
}

let last: { nodes: Nodes; specs: Specs; around: Around } | null = null;

/** In which container each node lies; parents that are no containers are looked through. */
export function aroundOf(nodes: Nodes, specs: Specs): Around {
  if (last?.nodes === nodes && last.specs === specs) return last.around;
  const around = new Map<string, string>();
  for (const node of Object.values(nodes)) {
    let at = node.parent;
    for (let steps = 0; at !== undefined && steps < 100; steps++) {
      if (isContainer(nodes[at], specs)) {
        around.set(node.id, at);
        break;
      }
      at = nodes[at]?.parent;
    }
  }
  last = { nodes, specs, around };
  return around;
}

/** The containers a node lies in, the outermost first, and itself last. */
export function chainOf(id: string, around: Around): string[] {
  const chain = [id];
  const seen = new Set(chain);
  for (let at = around.get(id); at !== undefined && !seen.has(at); at = around.get(at)) {
    chain.unshift(at);
    seen.add(at);
  }
  return chain;
}

/** Whether a node lies in a container, at once or deeper. */
export function liesIn(id: string, container: string, around: Around): boolean {
  return id !== container && chainOf(id, around).includes(container);
}

/** Everything that lies in these nodes, at once or deeper; they themselves are left out. */
export function contentsOf(ids: Iterable<string>, around: Around): Set<string> {
  const wanted = new Set(ids);
  const found = new Set<string>();
  for (const id of around.keys()) {
    const chain = chainOf(id, around);
    if (chain.slice(0, -1).some((each) => wanted.has(each))) found.add(id);
  }
  return found;
}

/** Of these nodes those that lie in none of the others. */
export function outermost(ids: readonly string[], around: Around): string[] {
  const inside = contentsOf(ids, around);
  return ids.filter((id) => !inside.has(id));
}

/** Which end of an edge is a port that faces inwards. */
export function innerEnd(ends: EdgeEnds, around: Around): "source" | "target" | null {
  if (liesIn(ends.target, ends.source, around)) return "source";
  return liesIn(ends.source, ends.target, around) ? "target" : null;
}

/** The handles that an edge joins. */
export function handlesOf(ends: EdgeEnds, around: Around): { source: string; target: string } {
  const inner = innerEnd(ends, around);
  return {
    source: inner === "source" ? innerId(ends.source_port) : ends.source_port,
    target: inner === "target" ? innerId(ends.target_port) : ends.target_port,
  };
}

/** Where two chains part; `null` when one node lies in the other. */
export function part(a: readonly string[], b: readonly string[]): [string, string] | null {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const [one, other] = [a[i], b[i]];
    if (one !== undefined && other !== undefined && one !== other) return [one, other];
  }
  return null;
}

/** Edges as they count for the order: each between the two nodes of one level that it joins. */
export function levelEdges<E extends EdgeEnds>(edges: readonly E[], around: Around): E[] {
  if (around.size === 0) return edges as E[];
  const found: E[] = [];
  for (const edge of edges) {
    const ends = part(chainOf(edge.source, around), chainOf(edge.target, around));
    if (edge.source === edge.target) found.push(edge);
    else if (ends) found.push({ ...edge, source: ends[0], target: ends[1] });
  }
  return found;
}

/** Why an edge has no place in any scope; `null` when it has one. */
export type Misplaced = "leaves" | "inwards" | "outwards";

/** Whether an edge between two handles stays where it may be. */
export function misplaced(
  ends: EdgeEnds,
  handles: { source: string; target: string },
  around: Around,
): Misplaced | null {
  const a = chainOf(ends.source, around);
  const b = chainOf(ends.target, around);
  if (isInner(handles.source)) return b.slice(0, -1).includes(ends.source) ? null : "inwards";
  if (isInner(handles.target)) {
    if (around.get(ends.source) === ends.target) return null;
    return a.includes(ends.target) ? "leaves" : "inwards";
  }
  const ways = part(a, b);
  if (!ways) return ends.source === ends.target ? null : "outwards";
  return ways[0] === ends.source ? null : "leaves";
}
