/** Everything a person can do to a flow; each command is one transaction and one undo step. */
import * as Y from "yjs";
import { followPorts } from "./cases";
import { frameAt } from "./frames";
import { newId } from "./ids";
import { chainOf, contentsOf, handlesOf, isInner, portName } from "./nesting";
import { aroundNow, framesNow, placeFor, placesBeside, withContents } from "./scene";
import {
  editText,
  longTexts,
  type NodeField,
  newEdge,
  newNode,
  newNote,
  settingsOf,
  textOf,
  textsOf,
  whole,
} from "./schema";
import { editable, notices, type Session, setSelection } from "./session";
import { CARD_WIDTH, HEAD_HEIGHT, type Room } from "./size";
import { useGraph } from "./store";
import type { Json, Label, NodeData, NoteData, Point } from "./types";
import { edgeId } from "./types";
import { edgeOf, filling, type HandleEnds, judge, type Verdict } from "./wiring";

function act<T>(label: Label, edit: (s: Session) => T, merge: string | null = null): T | undefined {
  const session = editable();
  return session ? session.history.run(label, () => edit(session), merge) : undefined;
}

const wires = (s: Session) => {
  const graph = useGraph.getState();
  return { ...graph, specs: s.specs, mode: graph.meta.mode };
};

export interface Wanted {
  /** A port the new node is to be wired to, on an existing node; told by its handle. */
  from?: { node: string; port: string; side: "source" | "target" };
  /** The port of the new node that is wired. */
  port?: string;
  settings?: NodeData["settings"];
  name?: string;
  /** The part of the canvas in which it is to stand, if there is a place for it. */
  room?: Room | null;
}

/** The container in which a new node belongs: that of what it is wired to, or where it stands. */
function homeFor(at: Point, { from }: Wanted): string | null {
  if (from) return isInner(from.port) ? from.node : (aroundNow().get(from.node) ?? null);
  const middle = { x: at.x + CARD_WIDTH / 2, y: at.y + HEAD_HEIGHT / 2 };
  return frameAt(framesNow(), middle);
}

/** What a new node is born with: its place, and the container it lies in. */
function born(data: NodeData, at: Point, home: string | null, room?: Room | null): NodeData {
  const position = placeFor(data, at, home, room);
  return { ...data, position, ...(home ? { parent: home } : {}) };
}

/** Adds a node, wired if asked; answers its id. */
export function addNode(type: string, at: Point, wanted: Wanted = {}): string | undefined {
  const session = editable();
  if (!session) return undefined;
  const spec = session.specs.get(type);
  const id = newId(type, (candidate) => session.roots.nodes.has(candidate));
  const home = homeFor(at, wanted);
  const data = born({ type }, at, home, wanted.room);
  const beside = placesBeside({ id, settings: {}, ...data, position: data.position ?? at }, home);
  if (wanted.settings) data.settings = wanted.settings;
  if (wanted.name) data.name = wanted.name;
  session.history.run({ key: "addNode", name: spec?.name ?? type }, () => {
    session.roots.nodes.set(id, newNode(data, spec));
    for (const [each, place] of Object.entries(beside)) {
      session.roots.nodes.get(each)?.set("position", whole(place));
    }
    const ends = endsOf(id, wanted);
    if (ends) writeEdge(session, ends);
    setSelection([id]);
  });
  return id;
}

function endsOf(id: string, { from, port }: Wanted): HandleEnds | null {
  if (!from || !port) return null;
  return from.side === "source"
    ? { source: from.node, source_port: from.port, target: id, target_port: port }
    : { source: id, source_port: port, target: from.node, target_port: from.port };
}

/** Writes an edge between two handles; an input that takes one edge loses the one it had. */
export function writeEdge(session: Session, ends: HandleEnds): void {
  const { nodes, edges } = session.roots;
  const spec = session.specs.get(String(nodes.get(ends.target)?.get("type")));
  const inputs = isInner(ends.target_port) ? spec?.inside?.inputs : spec?.inputs;
  const port = portName(ends.target_port);
  const made = edgeOf(ends);
  if (inputs?.find((p) => p.name === port)?.multiple !== true) {
    for (const edge of filling(ends, useGraph.getState().edges, aroundNow())) {
      if (edge.id !== edgeId(made)) edges.delete(edge.id);
    }
  }
  if (!edges.has(edgeId(made))) edges.set(edgeId(made), newEdge(made));
}

/** Wires two ports, told by their handles, or says why not. `replacing` is an edge it replaces. */
export function connect(ends: HandleEnds, replacing?: string): Verdict | undefined {
  const session = editable();
  if (!session) return undefined;
  const view = wires(session);
  const edges = view.edges.filter((e) => e.id !== replacing);
  const verdict = judge(ends, { ...view, edges });
  if (!verdict.ok) {
    const key = `refusal.${verdict.refusal}`;
    notices.emit({ key, kind: "warning", params: types(verdict), edge: edgeOf(ends) });
    return verdict;
  }
  session.history.run({ key: replacing ? "reconnect" : "connect" }, () => {
    if (replacing) session.roots.edges.delete(replacing);
    writeEdge(session, ends);
  });
  return verdict;
}

const types = (v: Verdict): Record<string, string> => ({
  misfit: v.misfit,
  output: v.output ?? "",
  input: v.input ?? "",
});

export function disconnect(ids: readonly string[]): void {
  if (ids.length === 0) return;
  act({ key: "disconnect", count: ids.length }, ({ roots }) => {
    for (const id of ids) roots.edges.delete(id);
  });
}

/** Puts a node into an edge: source → node → target, where the types allow it. */
export function insertInto(edge: string, type: string, at: Point, ports: [string, string]): void {
  const session = editable();
  const old = useGraph.getState().edges.find((e) => e.id === edge);
  if (!session || !old) return;
  const spec = session.specs.get(type);
  const id = newId(type, (candidate) => session.roots.nodes.has(candidate));
  const around = aroundNow();
  const [a, b] = [chainOf(old.source, around), chainOf(old.target, around)];
  // The deeper end tells where the edge runs.
  const home = (a.length > b.length ? a : b).at(-2) ?? null;
  const handles = handlesOf(old, around);
  const data = born({ type }, at, home);
  session.history.run({ key: "addNode", name: spec?.name ?? type }, () => {
    session.roots.nodes.set(id, newNode(data, spec));
    session.roots.edges.delete(edge);
    const { source, target } = old;
    writeEdge(session, { source, source_port: handles.source, target: id, target_port: ports[0] });
    writeEdge(session, { source: id, source_port: ports[1], target, target_port: handles.target });
    setSelection([id]);
  });
}

/** Deletes nodes with their edges and with what lies in them, edges and notes. */
export function remove(ids: readonly string[], edgeIds: readonly string[] = []): void {
  const { nodes, notes } = useGraph.getState();
  const around = aroundNow();
  const named = ids.filter((id) => nodes[id]);
  const gone = [...new Set([...named, ...contentsOf(named, around)])];
  const goneNotes = ids.filter((id) => notes[id]);
  if (gone.length + goneNotes.length === 0) {
    disconnect(edgeIds);
    return;
  }
  const only = named.length === 1 ? nodes[named[0] as string] : undefined;
  const label: Label =
    gone.length === 0
      ? { key: "deleteNote", count: goneNotes.length }
      : { key: "deleteNodes", count: gone.length, ...(only?.name ? { name: only.name } : {}) };
  act(label, (session) => {
    for (const id of edgeIds) session.roots.edges.delete(id);
    dropNodes(session, new Set(gone));
    for (const id of goneNotes) session.roots.notes.delete(id);
  });
}

export function dropNodes(session: Session, gone: ReadonlySet<string>): void {
  const { nodes, edges } = session.roots;
  for (const [id, edge] of [...edges.entries()]) {
    if (gone.has(String(edge.get("source"))) || gone.has(String(edge.get("target")))) {
      edges.delete(id);
    }
  }
  for (const id of gone) nodes.delete(id);
}

export function removeSelection(): void {
  const { selection, selectedEdges } = useGraph.getState();
  remove(selection, selectedEdges);
}

/** Changes one setting; `undefined` goes back to the default. */
export function setSetting(node: string, key: string, value: Json | undefined): void {
  act(
    { key: "setSetting", name: key },
    (session) => {
      const map = session.roots.nodes.get(node);
      const known = useGraph.getState().nodes[node];
      if (known) followPorts(session, known, key, value);
      if (map) writeSetting(session, map, key, value);
    },
    `setting:${node}:${key}`,
  );
}

export const unsetSetting = (node: string, key: string): void => setSetting(node, key, undefined);

export function writeSetting(
  session: Session,
  node: Y.Map<unknown>,
  key: string,
  value: Json | undefined,
): void {
  let settings = settingsOf(node);
  if (!settings) {
    settings = new Y.Map();
    node.set("settings", settings);
  }
  const text = textOf(node, key);
  if (typeof value === "string" && text) {
    editText(text, value);
    return;
  }
  if (typeof value === "string" && textsOf(node) && isLong(session, node, key)) {
    textsOf(node)?.set(key, new Y.Text(value));
    return;
  }
  if (text) textsOf(node)?.delete(key);
  if (value === undefined) settings.delete(key);
  else settings.set(key, value);
}

const isLong = (session: Session, node: Y.Map<unknown>, key: string): boolean =>
  longTexts(session.specs.get(String(node.get("type")))).has(key);

/** Changes a field of nodes, such as the name or what happens when they fail. */
export function setField(ids: string | readonly string[], field: NodeField, value: unknown): void {
  const list = typeof ids === "string" ? [ids] : ids;
  const absent = value === undefined || value === null || value === false || value === "";
  act(
    { key: `setField.${field}`, count: list.length },
    ({ roots }) => {
      for (const id of list) {
        const node = roots.nodes.get(id);
        if (!node) continue;
        if (absent) node.delete(field);
        else node.set(field, value);
      }
    },
    `field:${list.join()}:${field}`,
  );
}

/** Turns nodes off, or on again when all of them are off. */
export function toggleDisabled(ids: readonly string[]): void {
  const { nodes } = useGraph.getState();
  const there = ids.filter((id) => nodes[id]);
  if (there.length === 0) return;
  setField(there, "disabled", !there.every((id) => nodes[id]?.disabled));
}

/**
 * Moves nodes and notes to where they were dropped; what lies in a container goes along. `merge`
 * joins nudges into one step.
 */
export function moveNodes(
  given: Readonly<Record<string, Point>>,
  label = "moveNodes",
  merge: string | null = null,
): void {
  const graph = useGraph.getState();
  const places = withContents(given);
  const moved = Object.entries(places).filter(([id, p]) => {
    const old = graph.nodes[id]?.position ?? graph.notes[id]?.position;
    const at = whole(p);
    return old && (old.x !== at.x || old.y !== at.y);
  });
  if (moved.length === 0) return;
  act(
    { key: label, count: Math.min(moved.length, Object.keys(given).length) },
    ({ roots }) => {
      for (const [id, p] of moved) {
        (roots.nodes.get(id) ?? roots.notes.get(id))?.set("position", whole(p));
      }
    },
    merge,
  );
}

export function setMeta(field: string, value: Json | undefined): void {
  act(
    { key: `setMeta.${field}` },
    ({ roots }) => {
      if (value === undefined || value === "") roots.meta.delete(field);
      else roots.meta.set(field, value);
    },
    `meta:${field}`,
  );
}

/** Changes one entry of the flow's inputs or variables. */
export function setEntry(
  field: "inputs" | "variables" | "outputs",
  key: string,
  value?: Json,
): void {
  act(
    { key: `setMeta.${field}` },
    ({ roots }) => {
      let map = roots.meta.get(field);
      if (!(map instanceof Y.Map)) {
        map = new Y.Map();
        roots.meta.set(field, map);
      }
      const entries = map as Y.Map<unknown>;
      if (value === undefined) entries.delete(key);
      else entries.set(key, value);
    },
    `meta:${field}:${key}`,
  );
}

export function addNote(note: NoteData): string | undefined {
  const session = editable();
  if (!session) return undefined;
  const id = newId("note", (candidate) => session.roots.notes.has(candidate));
  session.history.run({ key: "addNote" }, () => {
    session.roots.notes.set(id, newNote(note));
    setSelection([id]);
  });
  return id;
}

export function setNoteText(id: string, text: string): void {
  act(
    { key: "editNote" },
    ({ roots }) => {
      const held = roots.notes.get(id)?.get("text");
      if (held instanceof Y.Text) editText(held, text);
    },
    `note:${id}`,
  );
}

export function setNote(id: string, field: "size" | "color", value: unknown): void {
  act({ key: "editNote" }, ({ roots }) => roots.notes.get(id)?.set(field, value));
}
