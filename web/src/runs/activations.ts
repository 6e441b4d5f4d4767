/**
 * Every activation of the run that is shown. A loop has thousands of them and events come many at
 * a time, so the log changes in place; `useActivations` tells once per batch that it did.
 */
import { create } from "zustand";
import type { Failure, NodeState, RunEvent } from "@/api/types";
import { around, containerOf } from "./scopes";

/** A pause between two attempts. */
export interface Retry {
  attempt: number;
  from: number;
  delayMs: number;
}

export interface Activation {
  node: string;
  scope: string;
  state: NodeState;
  /** Sequence number of its first event; orders what began in the same millisecond. */
  seq: number;
  startedAt: number | null;
  endedAt: number | null;
  durationMs: number | null;
  attempts: number;
  retries: Retry[];
  /** Since when it waits for a moment, a signal or an answer; and until when it did. */
  waits: { from: number; to: number | null }[];
  out: number;
  failure: Failure | null;
  reason: string | null;
  /** It ended in an earlier run, or before a crash, and was not called here. */
  restored: boolean;
}

/** Ports whose values somebody replaced where it stood: before it ran, and after. */
export interface Edits {
  before: readonly string[];
  after: readonly string[];
}

/** One round of a container: the activations in it, and how they went. */
export interface Round {
  scope: string;
  /** The container's path, and the scope it stands in. */
  container: string;
  outer: string;
  startedAt: number | null;
  endedAt: number | null;
  open: number;
  failed: number;
  nodes: Activation[];
}

const keyOf = (node: string, scope: string): string => `${node}@${scope}`;
const ENDS: Record<string, NodeState> = {
  node_completed: "completed",
  node_failed: "failed",
  node_skipped: "skipped",
  node_cancelled: "cancelled",
};

export class ActivationLog {
  private readonly all = new Map<string, Activation>();
  private readonly rounds = new Map<string, Round>();
  private readonly byContainer = new Map<string, Round[]>();
  private readonly byNode = new Map<string, Activation[]>();
  /** Where a value is replaced before an activation runs, that has not begun yet. */
  private readonly edits = new Map<string, Edits>();
  /** Nodes that stand in no loop. */
  readonly top: Activation[] = [];

  get size(): number {
    return this.all.size;
  }

  of(node: string): readonly Activation[] {
    return this.byNode.get(node) ?? [];
  }

  get(node: string, scope: string): Activation | undefined {
    return this.all.get(keyOf(node, scope));
  }

  /** The activation in a round, and where none is named the newest. */
  latest(node: string, scope: string | null): Activation | undefined {
    return scope === null ? this.of(node).at(-1) : this.get(node, scope);
  }

  editsOf(node: string, scope: string): Edits | undefined {
    return this.edits.get(keyOf(node, scope));
  }

  /** The rounds of a container, in the order in which they began. */
  roundsOf(container: string, outer: string): readonly Round[] {
    return this.byContainer.get(keyOf(container, outer)) ?? [];
  }

  every(): IterableIterator<Activation> {
    return this.all.values();
  }

  clear(): void {
    for (const held of [this.all, this.rounds, this.byContainer, this.byNode, this.edits]) {
      held.clear();
    }
    this.top.length = 0;
  }

  /** Takes in an event of a node; answers whether anything changed. */
  apply(event: RunEvent, at: number | null): boolean {
    if (event.type === "run_completed" || event.type === "run_failed") return this.settle(at);
    if (event.type === "run_cancelled") return this.settle(at);
    const { node } = event;
    if (!node) return false;
    const scope = typeof event.scope === "string" ? event.scope : "";
    const known = this.all.get(keyOf(node, scope));
    const replaced = event.type === "breakpoint_hit" && this.edit(event, node, scope);
    if (event.type === "node_started") return this.start(event, node, scope, at);
    if (event.type in ENDS) return this.end(event, known ?? this.make(event, node, scope), at);
    if (!known)
      return event.type === "node_waiting" ? this.start(event, node, scope, at) : replaced;
    return this.between(event, known, at) || replaced;
  }

  private start(event: RunEvent, node: string, scope: string, at: number | null): boolean {
    const known = this.all.get(keyOf(node, scope)) ?? this.make(event, node, scope);
    const round = this.rounds.get(scope);
    if (round && (known.startedAt === null || known.endedAt !== null)) round.open += 1;
    known.state = event.type === "node_waiting" ? "paused" : "running";
    known.startedAt ??= at;
    known.endedAt = null;
    known.attempts = Math.max(known.attempts, Number(event.attempt ?? 1));
    endWait(known, at);
    if (event.type === "node_waiting" && at !== null) known.waits.push({ from: at, to: null });
    if (round) {
      round.startedAt ??= at;
      round.endedAt = null;
    }
    return true;
  }

  /** Takes in that values were replaced; answers whether any was. */
  private edit(event: RunEvent, node: string, scope: string): boolean {
    const ports = event.edited;
    if (!Array.isArray(ports) || ports.length === 0) return false;
    const key = keyOf(node, scope);
    const known = this.edits.get(key) ?? { before: [], after: [] };
    const when = event.when === "after" ? "after" : "before";
    this.edits.set(key, { ...known, [when]: ports.map(String) });
    return true;
  }

  private end(event: RunEvent, known: Activation, at: number | null): boolean {
    const began = known.startedAt !== null && known.endedAt === null;
    known.state = ENDS[event.type] ?? known.state;
    known.endedAt = at;
    known.durationMs = (event.duration_ms as number | undefined) ?? known.durationMs;
    known.failure = (event.failure as Failure | undefined) ?? null;
    known.reason = (event.reason as string | undefined) ?? null;
    known.restored = event.restored === true;
    known.attempts = Number(event.attempt ?? known.failure?.attempt ?? known.attempts);
    const counts = event.counts as { out?: Record<string, number> } | undefined;
    known.out = Object.values(counts?.out ?? {}).reduce((sum, count) => sum + count, 0);
    endWait(known, at);
    const round = this.rounds.get(known.scope);
    if (round) {
      if (began) round.open -= 1;
      if (known.state === "failed") round.failed += 1;
      round.endedAt = at;
    }
    return true;
  }

  private between(event: RunEvent, known: Activation, at: number | null): boolean {
    if (event.type === "node_retrying" && at !== null) {
      const attempt = Number(event.attempt ?? known.attempts);
      known.retries.push({ attempt, from: at, delayMs: Number(event.delay_s ?? 0) * 1000 });
      known.attempts = attempt + 1;
      return true;
    }
    if (event.type === "node_waiting") {
      known.state = "paused";
      if (at !== null) known.waits.push({ from: at, to: null });
      return true;
    }
    if (event.type === "breakpoint_hit" && known.endedAt === null) known.state = "paused";
    else return false;
    return true;
  }

  private settle(at: number | null): boolean {
    for (const each of this.all.values()) {
      if (each.endedAt !== null || each.startedAt === null) continue;
      each.state = "cancelled";
      each.endedAt = at;
      endWait(each, at);
    }
    for (const round of this.rounds.values()) round.open = 0;
    return true;
  }

  private make(event: RunEvent, node: string, scope: string): Activation {
    const made: Activation = {
      node,
      scope,
      state: "queued",
      seq: event.seq,
      startedAt: null,
      endedAt: null,
      durationMs: null,
      attempts: 1,
      retries: [],
      waits: [],
      out: 0,
      failure: null,
      reason: null,
      restored: false,
    };
    this.all.set(keyOf(node, scope), made);
    push(this.byNode, node, made);
    if (scope === "") this.top.push(made);
    else this.roundOf(node, scope).nodes.push(made);
    return made;
  }

  /** The round of a scope; the rounds around it are made with it, so that it can be found. */
  private roundOf(node: string, scope: string): Round {
    const known = this.rounds.get(scope);
    if (known) return known;
    const outer = around(scope) ?? "";
    const container = containerOf(node, scope);
    if (outer !== "") this.roundOf(container, outer);
    const made: Round = {
      scope,
      container,
      outer,
      startedAt: null,
      endedAt: null,
      open: 0,
      failed: 0,
      nodes: [],
    };
    this.rounds.set(scope, made);
    push(this.byContainer, keyOf(container, outer), made);
    return made;
  }
}

function endWait(known: Activation, at: number | null): void {
  const last = known.waits.at(-1);
  if (last && last.to === null) last.to = at;
}

function push<T>(map: Map<string, T[]>, key: string, item: T): void {
  const list = map.get(key);
  if (list) list.push(item);
  else map.set(key, [item]);
}

/** The log of the run that is shown. */
export const activations = new ActivationLog();

/** Counts the batches that changed the log. */
export const useActivations = create<{ version: number }>(() => ({ version: 0 }));

export function touchActivations(): void {
  useActivations.setState(({ version }) => ({ version: version + 1 }));
}
