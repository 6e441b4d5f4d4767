import type {
  Failure,
  LogLevel,
  NodeState,
  RunEvent,
  RunInfo,
  RunNodeInfo,
  RunState,
} from "@/api/types";
import type { LogLine, NodeCounts, NodeRun, NodeWait, RunSnapshot } from "./types";

const KEPT_EVENTS = 5_000;
const KEPT_LOGS = 5_000;

export const NO_COUNTS: NodeCounts = Object.freeze({ in: 0, out: Object.freeze({}) });

export const NO_RUN: RunSnapshot = Object.freeze({
  runId: null,
  flowId: null,
  number: null,
  state: "idle",
  env: null,
  createdAt: null,
  startedAt: null,
  endedAt: null,
  startedBy: null,
  failure: null,
  nodes: Object.freeze({}),
  events: Object.freeze([]) as readonly RunEvent[],
  logs: Object.freeze([]) as readonly LogLine[],
  seq: 0,
});

export const IDLE_NODE: NodeRun = Object.freeze({
  state: "idle",
  startedAt: null,
  endedAt: null,
  durationMs: null,
  counts: NO_COUNTS,
  done: null,
  total: null,
  reason: null,
  failure: null,
});

export function timeOf(text: string | null | undefined): number | null {
  if (!text) return null;
  const time = Date.parse(text);
  return Number.isNaN(time) ? null : time;
}

export function isOver(state: RunSnapshot["state"]): boolean {
  return state === "completed" || state === "failed" || state === "cancelled";
}

export function isActive(state: RunSnapshot["state"]): boolean {
  return state !== "idle" && !isOver(state);
}

function sum(value: number | Record<string, number>): number {
  if (typeof value === "number") return value;
  return Object.values(value).reduce((total, count) => total + count, 0);
}

function nodeOfInfo(info: RunNodeInfo): NodeRun {
  return {
    ...IDLE_NODE,
    state: info.state,
    startedAt: timeOf(info.started_at),
    endedAt: timeOf(info.ended_at),
    durationMs: info.duration_ms ?? null,
    counts: { in: info.count_in, out: info.count_out ?? {} },
    failure: info.failure ?? null,
  };
}

/** The state of a run as the server keeps it, without its events. */
export function snapshotOf(info: RunInfo): RunSnapshot {
  const nodes = Object.entries(info.nodes ?? {}).map(([id, node]) => [id, nodeOfInfo(node)]);
  return {
    ...NO_RUN,
    runId: info.id,
    flowId: info.flow_id,
    number: info.number,
    state: info.state,
    env: info.env,
    createdAt: timeOf(info.created_at),
    startedAt: timeOf(info.started_at),
    endedAt: timeOf(info.ended_at),
    startedBy: info.started_by,
    failure: info.failure ?? null,
    nodes: Object.fromEntries(nodes) as Record<string, NodeRun>,
  };
}

function countsOf(event: RunEvent, before: NodeCounts): NodeCounts {
  const counts = event.counts as { in?: unknown; out?: Record<string, number> } | undefined;
  if (!counts) return before;
  return {
    in: counts.in === undefined ? before.in : sum(counts.in as number | Record<string, number>),
    out: counts.out ? { ...before.out, ...counts.out } : before.out,
  };
}

type NodeChange = (node: NodeRun, event: RunEvent, at: number | null) => NodeRun;

function ended(state: NodeState): NodeChange {
  return (node, event, at) => ({
    ...node,
    state,
    endedAt: at,
    durationMs:
      (event.duration_ms as number | undefined) ??
      (at !== null && node.startedAt !== null ? at - node.startedAt : node.durationMs),
    counts: countsOf(event, node.counts),
    reason: (event.reason as string | undefined) ?? null,
    failure: (event.failure as Failure | undefined) ?? null,
  });
}

/** The attempt an event tells of, and the scope it happened in. */
function attemptOf(event: RunEvent): Partial<NodeRun> {
  const { attempt, attempts, scope } = event;
  return {
    ...(typeof attempt === "number" ? { attempt } : {}),
    ...(typeof attempts === "number" ? { attempts } : {}),
    ...(typeof scope === "string" ? { scope } : {}),
  };
}

function waitOf(event: RunEvent): NodeWait {
  const text = (value: unknown) => (typeof value === "string" ? value : null);
  const due = typeof event.due === "number" ? event.due * 1000 : timeOf(text(event.due));
  return {
    kind: text(event.kind) ?? "",
    due,
    signal: text(event.signal),
    message: text(event.message) ?? "",
  };
}

const NODE_CHANGES: Record<string, NodeChange> = {
  node_queued: (node) => ({ ...node, state: "queued" }),
  node_started: (node, event, at) => ({
    ...node,
    state: "running",
    startedAt: node.startedAt ?? at,
    endedAt: null,
    failure: null,
    ...attemptOf(event),
    waiting: null,
  }),
  node_retrying: (node, event) => ({ ...node, state: "running", ...attemptOf(event) }),
  node_waiting: (node, event) => ({ ...node, state: "paused", waiting: waitOf(event) }),
  node_progress: (node, event) => ({
    ...node,
    state: node.state === "idle" || node.state === "queued" ? "running" : node.state,
    counts: countsOf(event, node.counts),
    done: (event.done as number | undefined) ?? node.done,
    total: (event.total as number | undefined) ?? node.total,
    ...(typeof event.failed === "number" ? { failed: event.failed } : {}),
  }),
  node_output: (node, event) => {
    const port = event.port as string | undefined;
    const count = event.count as number | undefined;
    if (!port || count === undefined) return node;
    return { ...node, counts: { ...node.counts, out: { ...node.counts.out, [port]: count } } };
  },
  node_completed: ended("completed"),
  node_failed: ended("failed"),
  node_skipped: ended("skipped"),
  node_cancelled: ended("cancelled"),
  breakpoint_hit: (node) => ({ ...node, state: "paused" }),
};

const RUN_STATES: Record<string, RunState> = {
  run_queued: "ready",
  run_started: "running",
  run_resumed: "running",
  run_paused: "paused",
  run_completed: "completed",
  run_failed: "failed",
  run_cancelled: "cancelled",
};

/** Nodes that were still at work when a run ended did not finish. */
function settle(nodes: Record<string, NodeRun>, at: number | null): Record<string, NodeRun> {
  const result = { ...nodes };
  for (const [id, node] of Object.entries(nodes)) {
    if (node.state === "running" || node.state === "queued" || node.state === "paused") {
      const started = node.startedAt !== null;
      result[id] = { ...node, state: started ? "cancelled" : "idle", endedAt: started ? at : null };
    }
  }
  return result;
}

function logOf(event: RunEvent): LogLine {
  return {
    seq: event.seq,
    at: timeOf(event.at) ?? 0,
    level: (event.level as LogLevel | undefined) ?? "info",
    node: event.node ?? null,
    message: String(event.message ?? ""),
  };
}

interface Draft {
  /** The run was over when it was attached: its state is final, events only fill the lists. */
  settled: boolean;
  snapshot: RunSnapshot;
  nodes: Record<string, NodeRun>;
  events: RunEvent[];
  logs: LogLine[];
}

/** The nodes that take part in a run wait from its start on. */
function queue(nodes: Record<string, NodeRun>, ids: unknown): Record<string, NodeRun> {
  if (!Array.isArray(ids)) return nodes;
  const result = { ...nodes };
  for (const id of ids as string[]) result[id] ??= { ...IDLE_NODE, state: "queued" };
  return result;
}

function applyRunState(draft: Draft, event: RunEvent, at: number | null): void {
  const state = RUN_STATES[event.type];
  if (!state) return;
  const over = isOver(state);
  const before = draft.snapshot;
  draft.snapshot = {
    ...before,
    state,
    startedAt: before.startedAt ?? (state === "running" ? at : null),
    endedAt: over ? at : null,
    failure: (event.failure as Failure | undefined) ?? before.failure,
  };
  if (event.type === "run_started") draft.nodes = queue(draft.nodes, event.nodes);
  if (over) draft.nodes = settle(draft.nodes, at);
}

function applyOne(draft: Draft, event: RunEvent): void {
  const at = timeOf(event.at);
  // Progress comes many times a second and says nothing once it has been counted.
  if (event.type === "log") draft.logs.push(logOf(event));
  if (event.type !== "node_progress" && event.type !== "log") draft.events.push(event);
  if (draft.settled) return;
  const change = NODE_CHANGES[event.type];
  if (change && event.node) {
    draft.nodes[event.node] = change(draft.nodes[event.node] ?? IDLE_NODE, event, at);
  }
  applyRunState(draft, event, at);
}

/** The snapshot after a batch of events; events that it already holds are ignored. */
export function reduceEvents(before: RunSnapshot, batch: readonly RunEvent[]): RunSnapshot {
  const fresh = batch.filter((event) => event.run === before.runId && event.seq > before.seq);
  if (fresh.length === 0) return before;
  const draft: Draft = {
    settled: isOver(before.state),
    snapshot: before,
    nodes: { ...before.nodes },
    events: [...before.events],
    logs: [...before.logs],
  };
  let seq = before.seq;
  for (const event of fresh) {
    if (event.seq <= seq) continue;
    seq = event.seq;
    applyOne(draft, event);
  }
  return {
    ...draft.snapshot,
    nodes: draft.nodes,
    events: draft.events.slice(-KEPT_EVENTS),
    logs: draft.logs.slice(-KEPT_LOGS),
    seq,
  };
}
