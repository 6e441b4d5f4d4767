/** What events of a node change in what is known of it. */
import type { Failure, NodeState, RunEvent } from "@/api/types";
import type { NodeCounts, NodeRun } from "./types";

export const NO_COUNTS: NodeCounts = Object.freeze({ in: 0, out: Object.freeze({}) });

export const IDLE_NODE: NodeRun = Object.freeze({
  state: "idle",
  startedAt: null,
  endedAt: null,
  durationMs: null,
  counts: NO_COUNTS,
  done: null,
  total: null,
  failed: 0,
  attempts: 1,
  open: 0,
  ended: 0,
  reason: null,
  failure: null,
});

function sum(value: number | Record<string, number>): number {
  if (typeof value === "number") return value;
  return Object.values(value).reduce((total, count) => total + count, 0);
}

function countsOf(event: RunEvent, before: NodeCounts): NodeCounts {
  const counts = event.counts as { in?: unknown; out?: Record<string, number> } | undefined;
  if (!counts) return before;
  return {
    in: counts.in === undefined ? before.in : sum(counts.in as number | Record<string, number>),
    out: counts.out ? { ...before.out, ...counts.out } : before.out,
  };
}

/** Of a node in a loop: what all its rounds gave together. */
function added(event: RunEvent, before: NodeCounts): NodeCounts {
  const counts = event.counts as { in?: unknown; out?: Record<string, number> } | undefined;
  if (!counts) return before;
  const out = { ...before.out };
  for (const [port, count] of Object.entries(counts.out ?? {})) {
    out[port] = (out[port] ?? 0) + count;
  }
  return { in: before.in + sum((counts.in ?? 0) as number | Record<string, number>), out };
}

const attemptOf = (event: RunEvent, before: number): number => {
  const failure = event.failure as Failure | undefined;
  return Math.max(before, Number(event.attempt ?? failure?.attempt ?? 1));
};

type NodeChange = (node: NodeRun, event: RunEvent, at: number | null) => NodeRun;

const inLoop = (event: RunEvent): boolean => typeof event.scope === "string" && event.scope !== "";

function ended(state: NodeState): NodeChange {
  return (node, event, at) => {
    if (inLoop(event)) return endedRound(state, node, event, at);
    return {
      ...node,
      state,
      endedAt: at,
      durationMs:
        (event.duration_ms as number | undefined) ??
        (at !== null && node.startedAt !== null ? at - node.startedAt : node.durationMs),
      counts: countsOf(event, node.counts),
      attempts: attemptOf(event, node.attempts),
      reason: (event.reason as string | undefined) ?? null,
      failure: (event.failure as Failure | undefined) ?? null,
    };
  };
}

/** One round of many: the node is over when none is under way; a failure stays to be seen. */
function endedRound(state: NodeState, node: NodeRun, event: RunEvent, at: number | null): NodeRun {
  const open = Math.max(0, node.open - (state === "skipped" ? 0 : 1));
  const failure = (event.failure as Failure | undefined) ?? node.failure;
  return {
    ...node,
    open,
    ended: node.ended + 1,
    state: open > 0 ? "running" : failure ? "failed" : state,
    endedAt: at,
    durationMs: at !== null && node.startedAt !== null ? at - node.startedAt : null,
    counts: added(event, node.counts),
    attempts: attemptOf(event, node.attempts),
    failed: node.failed + (state === "failed" ? 1 : 0),
    reason: (event.reason as string | undefined) ?? null,
    failure,
  };
}

const fresh = (node: NodeRun): boolean => node.state === "idle" || node.state === "queued";

export const NODE_CHANGES: Record<string, NodeChange> = {
  node_queued: (node) => ({ ...node, state: "queued" }),
  node_started: (node, event, at) => ({
    ...node,
    state: "running",
    startedAt: node.startedAt ?? at,
    endedAt: null,
    attempts: attemptOf(event, node.attempts),
    open: inLoop(event) ? node.open + 1 : node.open,
    failure: inLoop(event) ? node.failure : null,
  }),
  node_progress: (node, event) => ({
    ...node,
    state: fresh(node) ? "running" : node.state,
    counts: inLoop(event) ? node.counts : countsOf(event, node.counts),
    done: (event.done as number | undefined) ?? node.done,
    total: (event.total as number | undefined) ?? node.total,
    failed: (event.failed as number | undefined) ?? node.failed,
    ended: (event.activations as number | undefined) ?? node.ended,
  }),
  node_output: (node, event) => {
    const port = event.port as string | undefined;
    const count = event.count as number | undefined;
    if (!port || count === undefined || inLoop(event)) return node;
    return { ...node, counts: { ...node.counts, out: { ...node.counts.out, [port]: count } } };
  },
  node_retrying: (node, event) => ({ ...node, attempts: Number(event.attempt ?? 1) + 1 }),
  node_waiting: (node, _event, at) => ({
    ...node,
    state: "paused",
    startedAt: node.startedAt ?? at,
  }),
  node_completed: ended("completed"),
  node_failed: ended("failed"),
  node_skipped: ended("skipped"),
  node_cancelled: ended("cancelled"),
  breakpoint_hit: (node) => ({ ...node, state: "paused" }),
};

/** A node that stood at a breakpoint goes on. */
export function wentOn(node: NodeRun): NodeRun {
  if (node.state !== "paused") return node;
  if (node.startedAt === null) return { ...node, state: "queued" };
  const over = node.endedAt !== null && node.open === 0;
  return { ...node, state: over ? (node.failure ? "failed" : "completed") : "running" };
}

/** Nodes that were still at work when a run ended did not finish. */
export function settle(nodes: Record<string, NodeRun>, at: number | null): Record<string, NodeRun> {
  const result = { ...nodes };
  for (const [id, node] of Object.entries(nodes)) {
    if (node.state === "running" || node.state === "queued" || node.state === "paused") {
      const started = node.startedAt !== null;
      result[id] = { ...node, state: started ? "cancelled" : "idle", endedAt: started ? at : null };
    }
  }
  return result;
}
