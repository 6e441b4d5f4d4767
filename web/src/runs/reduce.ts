import type { Failure, LogLevel, RunEvent, RunInfo, RunNodeInfo, RunState } from "@/api/types";
import { heldNodes, pausing, stopOfInfo, waitOfInfo } from "./pausing";
import { IDLE_NODE, NODE_CHANGES, settle } from "./reduceNode";
import { timeOf } from "./time";
import type { LogLine, NodeRun, RunSnapshot } from "./types";

export { IDLE_NODE, NO_COUNTS } from "./reduceNode";
export { timeOf } from "./time";

const KEPT_EVENTS = 5_000;
const KEPT_LOGS = 5_000;

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
  mode: "batch",
  trigger: null,
  forkedFrom: null,
  calledBy: null,
  fromNode: null,
  toNode: null,
  pauseReason: null,
  pausedBy: null,
  stops: Object.freeze([]) as readonly never[],
  waits: Object.freeze([]) as readonly never[],
  breakpoints: Object.freeze([]) as readonly never[],
  hits: Object.freeze({}),
  nodes: Object.freeze({}),
  events: Object.freeze([]) as readonly RunEvent[],
  logs: Object.freeze([]) as readonly LogLine[],
  seq: 0,
});

export function isOver(state: RunSnapshot["state"]): boolean {
  return state === "completed" || state === "failed" || state === "cancelled";
}

export function isActive(state: RunSnapshot["state"]): boolean {
  return state !== "idle" && !isOver(state);
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
    attempts: info.attempts ?? 1,
    done: info.done ?? null,
    total: info.total ?? null,
    failed: info.failed ?? 0,
    reason: info.reason ?? null,
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
    mode: info.mode,
    trigger: info.trigger ?? null,
    forkedFrom: info.forked_from ?? null,
    calledBy: info.parent ?? null,
    fromNode: info.from_node ?? null,
    toNode: info.to_node ?? null,
    pauseReason: info.pause_reason ?? null,
    stops: (info.stopped ?? []).map(stopOfInfo),
    waits: (info.waits ?? []).map(waitOfInfo),
    breakpoints: info.breakpoints ?? [],
    nodes: Object.fromEntries(nodes) as Record<string, NodeRun>,
  };
}

const RUN_STATES: Record<string, RunState> = {
  run_queued: "ready",
  run_started: "running",
  run_resumed: "running",
  run_paused: "paused",
  run_completed: "completed",
  run_failed: "failed",
  run_cancelled: "cancelled",
};

function logOf(event: RunEvent): LogLine {
  return {
    seq: event.seq,
    at: timeOf(event.at) ?? 0,
    level: (event.level as LogLevel | undefined) ?? "info",
    node: event.node ?? null,
    scope: typeof event.scope === "string" ? event.scope : "",
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
  const moved = pausing(draft.snapshot, event);
  if (moved) {
    if (moved.stops) heldNodes(draft.nodes, draft.snapshot.stops, moved.stops);
    draft.snapshot = { ...draft.snapshot, ...moved };
  }
  applyRunState(draft, event, at);
}

/** The snapshot after a batch of events; events that it already holds are ignored. */
export function reduceEvents(before: RunSnapshot, batch: readonly RunEvent[]): RunSnapshot {
  const fresh = batch.filter((event) => event.run === before.runId && event.seq > before.seq);
  if (fresh.length === 0) return before;
  const settled = isOver(before.state);
  const draft: Draft = {
    settled,
    snapshot: before,
    // The story is told from its beginning: what was known from elsewhere would count twice.
    nodes: before.seq === 0 && !settled ? {} : { ...before.nodes },
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
