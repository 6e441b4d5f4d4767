import type {
  Environment,
  Failure,
  JsonObject,
  LogLevel,
  NodeState,
  Person,
  RunEvent,
  RunState,
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
  /** Why it was skipped. */
  reason: string | null;
  failure: Failure | null;
  /** The attempt that is under way, or was the last; 1 is the first. */
  attempt?: number;
  /** How many attempts there may be. */
  attempts?: number;
  /** Of a container: how many goes through it failed. */
  failed?: number;
  /** What it waits for, while it does. */
  waiting?: NodeWait | null;
  /** Where it was last under way: the scope, such as `loop:3`. */
  scope?: string;
}

/** What a node waits for: a moment, a signal or an answer. */
export interface NodeWait {
  kind: string;
  due: number | null;
  signal: string | null;
  message: string;
}

export interface LogLine {
  seq: number;
  at: number;
  level: LogLevel;
  node: string | null;
  message: string;
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
}
