import type {
  Environment,
  Failure,
  Json,
  JsonObject,
  LogLevel,
  NodeState,
  Person,
  RunBreakpoint,
  RunEvent,
  RunInfo,
  RunState,
  RunTrigger,
} from "@/api/types";

export interface NodeCounts {
  /** Records that went in, over all input ports. */
  in: number;
  /** Records that came out, per output port. */
  out: Record<string, number>;
}

/** What is known about one node in the attached run. Times are epoch milliseconds. */
export interface NodeRun {
  state: NodeState;
  startedAt: number | null;
  endedAt: number | null;
  durationMs: number | null;
  counts: NodeCounts;
  /** Progress of work whose size is known. */
  done: number | null;
  total: number | null;
  /** Of a container: how many of its rounds failed. */
  failed: number;
  /** The number of the attempt that it is at, or ended with. */
  attempts: number;
  /** In loops: activations that are under way, and those that have ended. */
  open: number;
  ended: number;
  /** Why it was skipped. */
  reason: string | null;
  failure: Failure | null;
}

export interface LogLine {
  seq: number;
  at: number;
  level: LogLevel;
  node: string | null;
  scope: string;
  message: string;
}

export type StopWhen = "before" | "after";

/** What is known of a value without reading it. */
export interface ValueRef {
  kind?: string;
  type?: string;
  count?: number;
  inline?: Json;
}

/** An activation that stands at a breakpoint, or after a step. */
export interface Stop {
  /** `node@scope`; names it in steps and edits. */
  at: string;
  node: string;
  scope: string;
  when: StopWhen;
  reason: string;
  hit: number;
  ports: readonly string[];
  /** Port → what is known of its value; empty when only the names are known. */
  values: Readonly<Record<string, ValueRef>>;
  /** Ports whose value somebody replaced. */
  edited: readonly string[];
}

/** Something that a run waits for. */
export interface Wait {
  node: string;
  scope: string;
  kind: "timer" | "signal" | "approval";
  due: number | null;
  signal: string | null;
  message: string;
  data: Json;
}

export interface RunSnapshot {
  runId: string | null;
  flowId: string | null;
  number: number | null;
  state: RunState | "idle";
  env: string | null;
  createdAt: number | null;
  startedAt: number | null;
  endedAt: number | null;
  startedBy: Person | null;
  failure: Failure | null;
  mode: string;
  trigger: RunTrigger | null;
  forkedFrom: string | null;
  /** The call that began it, where another run did. */
  calledBy: NonNullable<RunInfo["parent"]> | null;
  fromNode: string | null;
  toNode: string | null;
  /** Why a paused run stands still: asked, breakpoint, step, waiting. */
  pauseReason: string | null;
  /** Who asked it to pause. */
  pausedBy: string | null;
  stops: readonly Stop[];
  waits: readonly Wait[];
  breakpoints: readonly RunBreakpoint[];
  /** How often breakpoints were hit, by `node` and when. */
  hits: Readonly<Record<string, number>>;
  /** By path: `fetch`, `loop/fetch`. */
  nodes: Readonly<Record<string, NodeRun>>;
  events: readonly RunEvent[];
  logs: readonly LogLine[];
  /** The last event that is part of this snapshot. */
  seq: number;
}

export interface StartOptions {
  inputs?: JsonObject;
  fromNode?: string;
  toNode?: string;
  env?: Environment;
  parallelism?: number;
  onlyChanged?: boolean;
  /** Stops before the first node. */
  stopAtOnce?: boolean;
  breakpoints?: readonly RunBreakpoint[];
}
