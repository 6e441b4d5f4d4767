import type { NodeState, RunInfo } from "@/api/types";

/** How long a node took in two runs, in milliseconds. */
export interface Difference {
  /** Null stands for the whole run. */
  node: string | null;
  a: number | null;
  b: number | null;
  /** What became of it in each; absent where it was no part of the run. */
  states?: readonly [NodeState | undefined, NodeState | undefined];
}

function took(run: RunInfo, node: string): number | null {
  const info = run.nodes?.[node];
  if (!info || info.state === "skipped") return null;
  if (info.duration_ms != null) return info.duration_ms;
  if (!info.started_at || !info.ended_at) return null;
  return Date.parse(info.ended_at) - Date.parse(info.started_at);
}

/** The nodes of two runs; those whose time changed most come first. */
export function comparison(a: RunInfo, b: RunInfo): Difference[] {
  const nodes = new Set([...Object.keys(a.nodes ?? {}), ...Object.keys(b.nodes ?? {})]);
  const state = (run: RunInfo, node: string) => run.nodes?.[node]?.state as NodeState | undefined;
  const found = [...nodes].map((node) => ({
    node,
    a: took(a, node),
    b: took(b, node),
    states: [state(a, node), state(b, node)] as const,
  }));
  const size = (each: Difference) =>
    each.a === null || each.b === null ? -1 : Math.abs(each.b - each.a);
  return found
    .filter((each) => each.a !== null || each.b !== null)
    .sort((one, other) => size(other) - size(one) || one.node.localeCompare(other.node));
}
