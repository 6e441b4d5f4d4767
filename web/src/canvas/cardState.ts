/** In which state a card is shown; told by shape and text as well as by colour. */
import type { NodeState, Severity } from "@/api/types";
import type { FlowNode } from "@/flow/types";
import type { NodeRun, RunSnapshot } from "@/runs/types";

export type CardState = NodeState | "disabled" | "missing";

export function cardState(node: FlowNode, run: NodeRun, known: boolean): CardState {
  if (!known) return "missing";
  if (node.disabled) return "disabled";
  return run.state;
}

/** How far a running node is, between 0 and 1; `null` when its work has no known size. */
export function progress(run: NodeRun): number | null {
  if (run.done === null || run.total === null || run.total <= 0) return null;
  return Math.min(1, Math.max(0, run.done / run.total));
}

/** What a node waits for. */
export interface Waiting {
  node: string;
  due: number | null;
  signal: string | null;
  message: string;
}

/** What more may be known of a node: of one in a loop, how often it has run. */
interface More {
  attempts?: number;
  failed?: number;
  ended?: number;
}

/** The number of the attempt it is at; 1 is the first. */
export const attemptOf = (run: NodeRun & More): number => run.attempts ?? 1;
/** How many rounds failed, or how many goes through a container. */
export const failedOf = (run: NodeRun & More): number => run.failed ?? 0;
/** How many rounds of it are over. */
export const roundsOf = (run: NodeRun & More): number => run.ended ?? 0;

/** What a node waits for in a run; `null` when it does not. */
export function waitingOf(run: RunSnapshot, path: string): Waiting | null {
  const { waits = [] } = run as { waits?: readonly Waiting[] };
  return waits.find((wait) => wait.node === path) ?? null;
}

/** How many records left a node, over all its ports. */
export const produced = (run: NodeRun): number =>
  Object.values(run.counts.out).reduce((sum, count) => sum + count, 0);

const RANK: Record<Severity, number> = { error: 2, warning: 1, info: 0 };

export const worse = (a: Severity, b: Severity): boolean => RANK[a] > RANK[b];
