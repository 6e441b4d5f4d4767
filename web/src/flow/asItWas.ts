/** A flow file on the canvas in the place of the open flow, and whether the two are the same. */
import { create } from "zustand";
import { places } from "./graph";
import { current } from "./session";
import { type Graph, useSession } from "./store";
import type { Flow, FlowInput, FlowNode, NodeData } from "./types";
import { edgeId } from "./types";

/** Whether something else is on the canvas than the open flow; then nothing is edited. */
export const useCover = create<{ covered: boolean }>(() => ({ covered: false }));

// What covered a document goes with it: one that is opened anew is shown, and edited, itself.
useSession.subscribe(({ flowId }) => {
  if (flowId === "" && useCover.getState().covered) useCover.setState({ covered: false });
});

/** Shows a flow in the place of the open one. */
export function cover(flow: Flow): void {
  current()?.mirror.cover(graphOf(flow));
  useCover.setState({ covered: true });
}

/** Shows the open flow again, as it is by now. */
export function uncover(): void {
  if (!useCover.getState().covered) return;
  useCover.setState({ covered: false });
  current()?.mirror.uncover();
}

type Shown = Pick<Graph, "nodes" | "edges" | "notes" | "meta" | "problems">;

/** What the canvas shows of a flow file. */
export function graphOf(flow: Flow): Shown {
  const edges = flow.edges.map((edge) => ({ ...edge, id: edgeId(edge) }));
  const entries = Object.entries(flow.nodes);
  const homeless = entries.filter(([, node]) => !node.position).map(([id]) => id);
  const placed = entries.flatMap(([, node]) => (node.position ? [node.position] : []));
  const found = places(homeless, edges, placed);
  const nodes: Record<string, FlowNode> = {};
  for (const [id, node] of entries) {
    const position = node.position ?? found.get(id) ?? { x: 0, y: 0 };
    nodes[id] = { settings: {}, ...node, id, position };
  }
  const notes = Object.entries(flow.notes ?? {}).map(([id, note]) => [id, { ...note, id }]);
  return {
    nodes,
    edges,
    notes: Object.fromEntries(notes),
    problems: [],
    meta: {
      name: flow.name,
      description: flow.description ?? "",
      mode: flow.mode ?? "batch",
      inputs: flow.inputs ?? {},
      variables: flow.variables ?? {},
      outputs: flow.outputs ?? [],
      epoch: 0,
    },
  };
}

type Nodes = Readonly<Record<string, NodeData>>;

/** The parts of a node that decide what it does; names, places and policies do not. */
function essence(node: NodeData, nodes: Nodes): string {
  const { type, settings, parent, disabled, on_error, pinned } = node;
  const inside = parent !== undefined && nodes[parent] ? parent : null;
  const failing = on_error === undefined || on_error === "fail" ? null : on_error;
  return stable([type, settings ?? {}, inside, disabled === true, failing, pinned ?? null]);
}

const known = new WeakMap<NodeData, string>();

/** Nodes stay the same objects until they change. */
function told(node: NodeData, nodes: Nodes): string {
  const before = known.get(node);
  if (before !== undefined) return before;
  const text = essence(node, nodes);
  known.set(node, text);
  return text;
}

const inputs = (given: Record<string, FlowInput> | undefined) =>
  Object.fromEntries(
    Object.entries(given ?? {}).map(([name, each]) => [
      name,
      [each.type ?? "Text", each.default ?? null],
    ]),
  );

/** Whether a flow would do something else than a flow file. */
export function differs(now: Pick<Graph, "nodes" | "edges" | "meta">, then: Flow): boolean {
  const ids = Object.keys(then.nodes);
  if (ids.length !== Object.keys(now.nodes).length) return true;
  if (then.edges.length !== now.edges.length) return true;
  const wired = new Set(now.edges.map((edge) => edge.id));
  if (!then.edges.every((edge) => wired.has(edgeId(edge)))) return true;
  const { meta } = now;
  const whole = [meta.mode, inputs(meta.inputs), meta.variables, meta.outputs];
  const former = [
    then.mode ?? "batch",
    inputs(then.inputs),
    then.variables ?? {},
    then.outputs ?? [],
  ];
  if (stable(whole) !== stable(former)) return true;
  return ids.some((id) => {
    const [a, b] = [now.nodes[id], then.nodes[id]];
    return !a || !b || told(a, now.nodes) !== told(b, then.nodes);
  });
}

/** Equal values give equal texts, however their keys are ordered. */
function stable(value: unknown): string {
  return JSON.stringify(value, (_, each: unknown) =>
    each !== null && typeof each === "object" && !Array.isArray(each)
      ? Object.fromEntries(Object.entries(each).sort(([a], [b]) => (a < b ? -1 : 1)))
      : each,
  );
}
