import type { Problem } from "@/api/types";

export type Path = readonly (string | number)[];

/** A problem's path as keys and indexes: `by[0].field` and `by.0.field` are ["by", 0, "field"]. */
export function pathOf(problem: Problem): Path {
  const { path } = problem;
  if (!path) return [];
  if (typeof path !== "string") return path;
  const steps = path.match(/[^.[\]]+/g) ?? [];
  return steps.map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

function startsWith(path: Path, prefix: Path): boolean {
  return prefix.every((step, index) => String(path[index]) === String(step));
}

/** Problems about a value or something inside it. */
export function problemsUnder(problems: readonly Problem[], prefix: Path): Problem[] {
  return problems.filter((problem) => {
    const path = pathOf(problem);
    return path.length >= prefix.length && startsWith(path, prefix);
  });
}

/** Problems of the node that belong to none of these settings. */
export function problemsBeside(problems: readonly Problem[], keys: ReadonlySet<string>): Problem[] {
  return problems.filter((problem) => {
    const first = pathOf(problem)[0];
    return first === undefined ? isAboutSettings(problem) : !keys.has(String(first));
  });
}

function isAboutSettings(problem: Problem): boolean {
  return /setting|expression/.test(problem.code);
}
