/** The problems of the open flow: what the check found, and what reading had to hide. */
import { create } from "zustand";
import type { Problem } from "@/api/types";
import { worse } from "./cardState";

interface Problems {
  all: Problem[];
  /** The gravest problem of each node. */
  byNode: Readonly<Record<string, Problem>>;
  errors: number;
  /** False until the first answer of a check. */
  known: boolean;
}

export const NO_PROBLEMS: Problems = { all: [], byNode: {}, errors: 0, known: false };
export const useProblems = create<Problems>(() => NO_PROBLEMS);

export function setProblems(all: Problem[]): void {
  const before = useProblems.getState();
  if (before.known && JSON.stringify(before.all) === JSON.stringify(all)) return;
  const byNode: Record<string, Problem> = {};
  for (const problem of all) {
    if (!problem.node) continue;
    const old = byNode[problem.node];
    if (!old || worse(problem.severity, old.severity)) byNode[problem.node] = problem;
  }
  for (const [id, problem] of Object.entries(byNode)) {
    const old = before.byNode[id];
    if (old && JSON.stringify(old) === JSON.stringify(problem)) byNode[id] = old;
  }
  const errors = all.filter((problem) => problem.severity === "error").length;
  useProblems.setState({ all, byNode, errors, known: true });
}

export const useNodeProblem = (id: string): Problem | undefined => useProblems((s) => s.byNode[id]);
