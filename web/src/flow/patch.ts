/** Applies a patch (a fix from the check, later a proposal) to the document as one undo step. */
import * as Y from "yjs";
import { dropNodes, writeSetting } from "./commands";
import { isMap } from "./fields";
import { NODE_FIELDS, newEdge, newNode, newNote, settingsOf, textOf, whole } from "./schema";
import { editable, notices, type Session } from "./session";
import type { EdgeEnds, Json, JsonMap, NodeData, NoteData, Point } from "./types";
import { edgeId } from "./types";

type Path = string | (string | number)[];

/** What becomes of the edges of a node whose type changes: a new port, or null for none. */
interface PortMap {
  inputs?: Record<string, string | null>;
  outputs?: Record<string, string | null>;
}

interface Expects {
  /** The value believed to be there; the patch is refused when it is another. */
  expect?: unknown;
}

export type Op =
  | { op: "add_node"; id: string; node: NodeData }
  | ({ op: "remove_node"; id: string } & Expects)
  | ({
      op: "replace_node";
      id: string;
      type: string;
      settings?: JsonMap;
      ports?: PortMap;
    } & Expects)
  | ({ op: "set_setting"; node: string; path: Path; value: Json } & Expects)
  | ({ op: "unset_setting"; node: string; path: Path } & Expects)
  | ({ op: "set_field"; node: string; field: string; value: Json } & Expects)
  | ({ op: "move_node"; node: string; position: Point | null } & Expects)
  | ({ op: "add_edge"; restore?: boolean } & EdgeEnds)
  | ({ op: "remove_edge" } & EdgeEnds)
  | ({ op: "set_flow"; field: string; value: Json } & Expects)
  | { op: "add_note"; id: string; note: NoteData }
  | ({ op: "set_note"; id: string; field: string; value: Json } & Expects)
  | ({ op: "remove_note"; id: string } & Expects);

export interface Patch {
  ops: Op[];
  message?: string | null;
}

/** Applies all operations, or none and says so when the flow is not what the patch believes. */
export function applyPatch(patch: Patch, name: string): number {
  const session = editable();
  if (!session) return 0;
  if (!patch.ops.every((op) => holds(session, op))) {
    notices.emit({ key: "fixStale", kind: "warning" });
    return 0;
  }
  return session.history.run(
    { key: "applyFix", name },
    () => patch.ops.filter((op) => apply(session, op)).length,
  );
}

function ends({ source, source_port, target, target_port }: EdgeEnds): EdgeEnds {
  return { source, source_port, target, target_port };
}

const steps = (path: Path): (string | number)[] =>
  typeof path === "string" ? path.split(".") : path;

function settingAt(session: Session, id: string, path: Path): unknown {
  const node = session.roots.nodes.get(id);
  const [key, ...rest] = steps(path);
  if (!node || key === undefined) return undefined;
  let held: unknown = textOf(node, String(key))?.toString() ?? settingsOf(node)?.get(String(key));
  for (const step of rest) held = (held as Record<string, unknown> | undefined)?.[String(step)];
  return held;
}

/** Whether what an operation expects to find is there; undefined and null are the same. */
function holds(session: Session, op: Op): boolean {
  if (!("expect" in op) || op.op === "remove_node" || op.op === "remove_note") return true;
  const found = foundBy(session, op);
  return JSON.stringify(sorted(found) ?? null) === JSON.stringify(sorted(op.expect) ?? null);
}

function foundBy({ roots, ...session }: Session, op: Op): unknown {
  const plain = (value: unknown) =>
    value instanceof Y.AbstractType ? (value.toJSON() as unknown) : value;
  switch (op.op) {
    case "replace_node":
      return roots.nodes.get(op.id)?.get("type");
    case "set_setting":
    case "unset_setting":
      return settingAt({ roots, ...session }, op.node, op.path);
    case "set_field":
      return roots.nodes.get(op.node)?.get(op.field);
    case "move_node":
      return roots.nodes.get(op.node)?.get("position");
    case "set_flow":
      return plain(roots.meta.get(op.field));
    case "set_note":
      return plain(roots.notes.get(op.id)?.get(op.field));
    default:
      return undefined;
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isMap(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}

type Handlers = { [K in Op["op"]]: (s: Session, op: Extract<Op, { op: K }>) => boolean };

function apply(session: Session, op: Op): boolean {
  const handle = HANDLERS[op.op] as ((s: Session, op: Op) => boolean) | undefined;
  return handle?.(session, op) ?? false;
}

const HANDLERS: Handlers = {
  add_node(s, { id, node }) {
    if (s.roots.nodes.has(id)) return false;
    s.roots.nodes.set(id, newNode(node, s.specs.get(node.type)));
    return true;
  },
  remove_node(s, { id }) {
    if (!s.roots.nodes.has(id)) return false;
    dropNodes(s, new Set([id]));
    return true;
  },
  replace_node(s, op) {
    const node = s.roots.nodes.get(op.id);
    if (node) replaceNode(s, node, op);
    return node !== undefined;
  },
  set_setting(s, { node, path, value }) {
    return editSetting(s, node, path, value);
  },
  unset_setting(s, { node, path }) {
    return editSetting(s, node, path, undefined);
  },
  set_field(s, { node, field, value }) {
    const map = s.roots.nodes.get(node);
    const known = field === "version" || (NODE_FIELDS as readonly string[]).includes(field);
    if (!map || !known) return false;
    setOrDelete(map, field, value);
    return true;
  },
  move_node(s, { node, position }) {
    const map = s.roots.nodes.get(node);
    if (map) setOrDelete(map, "position", position && whole(position));
    return map !== undefined;
  },
  add_edge(s, op) {
    s.roots.edges.set(edgeId(op), newEdge(ends(op)));
    return true;
  },
  remove_edge(s, op) {
    const there = s.roots.edges.has(edgeId(op));
    s.roots.edges.delete(edgeId(op));
    return there;
  },
  set_flow(s, { field, value }) {
    setFlow(s.roots.meta, field, value);
    return true;
  },
  add_note(s, { id, note }) {
    if (s.roots.notes.has(id)) return false;
    s.roots.notes.set(id, newNote(note));
    return true;
  },
  set_note(s, { id, field, value }) {
    const note = s.roots.notes.get(id);
    if (note) setOrDelete(note, field, field === "text" ? new Y.Text(String(value ?? "")) : value);
    return note !== undefined;
  },
  remove_note(s, { id }) {
    const there = s.roots.notes.has(id);
    s.roots.notes.delete(id);
    return there;
  },
};

function setOrDelete(map: Y.Map<unknown>, key: string, value: unknown): void {
  if (value === null || value === undefined || value === false) map.delete(key);
  else map.set(key, value);
}

const NESTED = new Set(["inputs", "variables", "outputs"]);

/** Sets a field of the flow; inputs, variables and outputs keep their maps and change by key. */
function setFlow(meta: Y.Map<unknown>, field: string, value: Json): void {
  if (!NESTED.has(field)) {
    setOrDelete(meta, field, value);
    return;
  }
  let map = meta.get(field);
  if (!(map instanceof Y.Map)) {
    map = new Y.Map();
    meta.set(field, map);
  }
  const held = map as Y.Map<unknown>;
  const wanted: JsonMap = Array.isArray(value)
    ? Object.fromEntries(value.map((id) => [String(id), true]))
    : isMap(value)
      ? value
      : {};
  for (const key of [...held.keys()]) if (!(key in wanted)) held.delete(key);
  for (const [key, item] of Object.entries(wanted)) held.set(key, item);
}

function editSetting(s: Session, id: string, path: Path, value: Json | undefined): boolean {
  const node = s.roots.nodes.get(id);
  const [key, ...rest] = steps(path);
  if (!node || key === undefined) return false;
  if (rest.length === 0) {
    writeSetting(s, node, String(key), value);
    return true;
  }
  const held = settingsOf(node)?.get(String(key)) as Json | undefined;
  writeSetting(s, node, String(key), placed(held ?? null, rest, value));
  return true;
}

/** A copy of `held` with the value at `path` changed, or taken out. */
function placed(held: Json, path: (string | number)[], value: Json | undefined): Json {
  const [key, ...rest] = path;
  if (key === undefined) return value ?? null;
  if (Array.isArray(held)) {
    const list = [...held];
    const at = Number(key);
    if (rest.length === 0 && value === undefined) list.splice(at, 1);
    else list[at] = placed(list[at] ?? null, rest, value);
    return list;
  }
  const map: JsonMap = isMap(held) ? { ...held } : {};
  if (rest.length === 0 && value === undefined) delete map[String(key)];
  else map[String(key)] = placed(map[String(key)] ?? null, rest, value);
  return map;
}

/** Another type in the same place: the node keeps its id and, by `ports`, its edges. */
function replaceNode(
  s: Session,
  node: Y.Map<unknown>,
  op: Extract<Op, { op: "replace_node" }>,
): void {
  const spec = s.specs.get(op.type);
  node.set("type", op.type);
  node.delete("pinned");
  if (typeof spec?.version === "number") node.set("version", spec.version);
  else node.delete("version");
  for (const held of ["settings", "texts"]) {
    const map = node.get(held) as Y.Map<unknown> | undefined;
    for (const key of [...(map?.keys() ?? [])]) map?.delete(key);
  }
  for (const [key, value] of Object.entries(op.settings ?? {})) writeSetting(s, node, key, value);
  for (const id of [...s.roots.edges.keys()]) rewire(s, id, op);
}

function rewire(s: Session, id: string, op: Extract<Op, { op: "replace_node" }>): void {
  const old = s.roots.edges.get(id)?.toJSON() as EdgeEnds;
  const side = old.source === op.id ? "source" : "target";
  if (old[side] !== op.id) return;
  const ports = (side === "source" ? op.ports?.outputs : op.ports?.inputs) ?? {};
  const port = old[`${side}_port`];
  const renamed = port in ports ? ports[port] : port;
  if (renamed === port) return;
  s.roots.edges.delete(id);
  if (!renamed) return;
  const moved = { ...old, [`${side}_port`]: renamed };
  s.roots.edges.set(edgeId(moved), newEdge(moved));
}
