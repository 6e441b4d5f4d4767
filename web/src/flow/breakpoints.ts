/**
 * Breakpoints: kept per person and flow in this browser, seen by everybody in the room.
 *
 * They are no part of the document. A run is given them when it starts and when they change while
 * it is under way: `runBreakpoints()` is the list as the server takes it, `onBreakpoints` tells
 * of every change.
 */
import { create } from "zustand";
import { chainOf } from "./nesting";
import { aroundNow } from "./scene";
import { current, joined } from "./session";
import { useGraph, useSession } from "./store";

export interface NodeBreakpoint {
  when: "before" | "after";
  /** An expression; empty means always. */
  condition: string;
  /** Stop from this time on that the condition holds. */
  hits: number;
  enabled: boolean;
}

/** A breakpoint as a run takes it. */
export interface RunBreakpoint {
  /** The path of the node: `fetch`, `loop/fetch`. */
  node: string;
  when: "before" | "after";
  condition?: string;
  hits: number;
  enabled: boolean;
}

interface Breakpoints {
  flow: string;
  byNode: Readonly<Record<string, NodeBreakpoint>>;
}

export const PLAIN: NodeBreakpoint = { when: "before", condition: "", hits: 1, enabled: true };

const PREFIX = "weft.breakpoints.";

export const useBreakpoints = create<Breakpoints>(() => ({ flow: "", byNode: {} }));

function understood(value: unknown): NodeBreakpoint | null {
  if (typeof value !== "object" || value === null) return null;
  const { when, condition, hits, enabled } = value as Partial<NodeBreakpoint>;
  return {
    when: when === "after" ? "after" : "before",
    condition: typeof condition === "string" ? condition : "",
    hits: typeof hits === "number" && hits >= 1 ? Math.floor(hits) : 1,
    enabled: enabled !== false,
  };
}

function remembered(flow: string): Record<string, NodeBreakpoint> {
  try {
    const kept = JSON.parse(localStorage.getItem(PREFIX + flow) ?? "{}") as Record<string, unknown>;
    const entries = Object.entries(kept).flatMap(([id, value]) => {
      const found = understood(value);
      return found ? [[id, found] as const] : [];
    });
    return Object.fromEntries(entries);
  } catch {
    return {};
  }
}

useSession.subscribe(({ flowId }) => {
  if (useBreakpoints.getState().flow === flowId) return;
  useBreakpoints.setState({ flow: flowId, byNode: flowId ? remembered(flowId) : {} });
});
joined.on(share);

/** Tells the others in the room which nodes have one. */
function share(): void {
  const { byNode } = useBreakpoints.getState();
  const on = Object.entries(byNode).flatMap(([id, { enabled }]) => (enabled ? [id] : []));
  current()?.presence?.setBreakpoints(on);
}

export const breakpointOf = (node: string): NodeBreakpoint | undefined =>
  useBreakpoints.getState().byNode[node];

/** Sets the breakpoint of a node, or takes it away. */
export function setBreakpoint(node: string, breakpoint: NodeBreakpoint | null): void {
  const { flow, byNode } = useBreakpoints.getState();
  const { [node]: _, ...rest } = byNode;
  const next = breakpoint ? { ...rest, [node]: breakpoint } : rest;
  useBreakpoints.setState({ byNode: next });
  share();
  try {
    if (Object.keys(next).length === 0) localStorage.removeItem(PREFIX + flow);
    else localStorage.setItem(PREFIX + flow, JSON.stringify(next));
  } catch {
    // Without storage they last as long as the page.
  }
}

/** Sets plain breakpoints on these nodes, or takes them away when all of them have one. */
export function toggleBreakpoints(nodes: readonly string[]): void {
  const all = nodes.every((id) => breakpointOf(id));
  for (const id of nodes) {
    if (all) setBreakpoint(id, null);
    else if (!breakpointOf(id)) setBreakpoint(id, PLAIN);
  }
}

/** The path of a node, as runs call it: the containers around it, then itself. */
export const pathOfNode = (id: string): string => chainOf(id, aroundNow()).join("/");

/** The breakpoints of nodes that are there, as a run takes them. */
export function runBreakpoints(): RunBreakpoint[] {
  const { nodes } = useGraph.getState();
  const { byNode } = useBreakpoints.getState();
  return Object.entries(byNode).flatMap(([id, { when, condition, hits, enabled }]) => {
    if (!nodes[id]) return [];
    const plain = { node: pathOfNode(id), when, hits, enabled };
    return [condition.trim() === "" ? plain : { ...plain, condition: condition.trim() }];
  });
}

/** Calls back whenever what `runBreakpoints` answers may have changed. */
export function onBreakpoints(callback: (list: RunBreakpoint[]) => void): () => void {
  let last = JSON.stringify(runBreakpoints());
  return useBreakpoints.subscribe(() => {
    const list = runBreakpoints();
    const text = JSON.stringify(list);
    if (text === last) return;
    last = text;
    callback(list);
  });
}
