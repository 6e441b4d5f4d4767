/** In which state a card is shown; told by shape and text as well as by colour. */
import type { NodeState, Severity } from "@/api/types";
import type { FlowNode } from "@/flow/types";
import type { NodeRun } from "@/runs/types";

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

/** The iteration a scope is in: `loop:3/inner:0` is the first of the inner loop. */
export function iterationOf(scope: string | undefined): number | null {
  const last = /:(\d+)$/.exec(scope ?? "")?.[1];
  return last === undefined ? null : Number(last) + 1;
}

/** How many records left a node, over all its ports. */
export const produced = (run: NodeRun): number =>
  Object.values(run.counts.out).reduce((sum, count) => sum + count, 0);

const RANK: Record<Severity, number> = { error: 2, warning: 1, info: 0 };

export const worse = (a: Severity, b: Severity): boolean => RANK[a] > RANK[b];
