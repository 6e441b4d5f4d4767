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

/** A round in a few signs: `[3]`, `catch [0]`, `#7`, or `[3] ↻2` in the second attempt. */
export function roundLabel(scope: string): string {
  const { steps, record } = partsOf(scope);
  if (record !== null) return `#${record}`;
  const last = steps.at(-1);
  if (!last) return "";
  const round = last.section === null ? `[${last.index}]` : `${last.section} [${last.index}]`;
  return last.attempt === null ? round : `${round} ↻${last.attempt}`;
}

export interface Frame {
  /** The path of the node. */
  node: string;
  /** The scope that it opened, or is in as the last frame. */
  scope: string;
  label: string;
  last: boolean;
}

/** From the outside to a node: every container with its round, then the node. */
export function stackOf(path: string, scope: string): Frame[] {
  const names = path.split("/");
  const { steps, record } = partsOf(scope);
  const frames: Frame[] = [];
  const opened = scope.split("#")[0]?.split("/") ?? [];
  for (const [at, _step] of steps.entries()) {
    const inside = opened.slice(0, at + 1).join("/");
    const node = names.slice(0, at + 1).join("/");
    frames.push({ node, scope: inside, label: roundLabel(inside), last: false });
  }
  frames.push({ node: path, scope, label: record === null ? "" : `#${record}`, last: true });
  return frames;
}

/** Whether a node lies in a container, or in a called flow, by its path in a run. */
export const isInner = (path: string): boolean => path.includes("/");
