/**
 * Scope paths, such as `loop:3/inner:0` or `try@catch:0`; behind `#` the number of a record, behind
 * `~` that of the container's attempt, from the second on.
 */

export interface ScopeStep {
  /** The container, by its own name. */
  name: string;
  /** Which part of it, of one that has several. */
  section: string | null;
  /** Which round. */
  index: string;
  /** Which attempt of the container; null of the first. */
  attempt: string | null;
}

export interface ScopeParts {
  steps: ScopeStep[];
  record: string | null;
}

export function partsOf(scope: string): ScopeParts {
  const [path = "", record] = scope.split("#");
  const steps = path === "" ? [] : path.split("/").map(stepOf);
  return { steps, record: record ?? null };
}

function stepOf(text: string): ScopeStep {
  const colon = text.lastIndexOf(":");
  const head = colon < 0 ? text : text.slice(0, colon);
  const [name = "", section] = head.split("@");
  const [index = "", attempt] = colon < 0 ? [] : text.slice(colon + 1).split("~");
  return { name, section: section ?? null, index, attempt: attempt ?? null };
}

/** The scope around a scope; `null` of the run itself. */
export function around(scope: string): string | null {
  if (scope === "") return null;
  const record = scope.indexOf("#");
  if (record >= 0) return scope.slice(0, record);
  const slash = scope.lastIndexOf("/");
  return slash < 0 ? "" : scope.slice(0, slash);
}

/** The path of the container that opened the scope of a node: `loop` of `loop/fetch`. */
export function containerOf(path: string, scope: string): string {
  if (scope.includes("#")) return path;
  const depth = partsOf(scope).steps.length;
  return path.split("/").slice(0, depth).join("/");
}

export const nameIn = (path: string): string => path.slice(path.lastIndexOf("/") + 1);

export interface RoundWords {
  round: (index: string) => string;
  attempt: (number: string) => string;
  section: (name: string) => string;
}

/**
 * A round in words: `round 3 · attempt 2`, `On error`, `#7`. Of a container that runs what is in it
 * once, the number of the round says nothing.
 */
export function roundText(scope: string, words: RoundWords, once = false): string {
  const { steps, record } = partsOf(scope);
  if (record !== null) return `#${record}`;
  const last = steps.at(-1);
  if (!last) return "";
  const parts = [
    last.section === null ? "" : words.section(last.section),
    once || last.section !== null ? "" : words.round(last.index),
    last.attempt === null ? "" : words.attempt(last.attempt),
  ];
  return parts.filter(Boolean).join(" · ");
}

/** The scopes around an activation and its own, the outermost first. */
export function scopesOf(scope: string): string[] {
  const [opened = "", record] = scope.split("#");
  const names = opened === "" ? [] : opened.split("/");
  const found = names.map((_, at) => names.slice(0, at + 1).join("/"));
  return record === undefined ? found : [...found, scope];
}

export interface Frame {
  /** The path of the node. */
  node: string;
  /** The scope that it opened, or is in as the last frame. */
  scope: string;
  last: boolean;
}

/** From the outside to a node: every container with its round, then the node. */
export function stackOf(path: string, scope: string): Frame[] {
  const opened = scopesOf(scope.split("#")[0] ?? "");
  const frames = opened.map((inside) => ({
    node: containerOf(path, inside),
    scope: inside,
    last: false,
  }));
  return [...frames, { node: path, scope, last: true }];
}

/** Whether a node lies in a container, or in a called flow, by its path in a run. */
export const isInner = (path: string): boolean => path.includes("/");
