/** The Yjs document of a flow (schema 1): its root maps and how nodes are born in it. */
import * as Y from "yjs";
import type {
  EdgeEnds,
  FlowNode,
  Json,
  JsonMap,
  NodeData,
  NoteData,
  Point,
  SpecLike,
} from "./types";

export type YNode = Y.Map<unknown>;

export interface Roots {
  meta: Y.Map<unknown>;
  nodes: Y.Map<YNode>;
  edges: Y.Map<Y.Map<unknown>>;
  notes: Y.Map<Y.Map<unknown>>;
  comments: Y.Map<unknown>;
}

export function roots(doc: Y.Doc): Roots {
  return {
    meta: doc.getMap("meta"),
    nodes: doc.getMap<YNode>("nodes"),
    edges: doc.getMap<Y.Map<unknown>>("edges"),
    notes: doc.getMap<Y.Map<unknown>>("notes"),
    comments: doc.getMap("comments"),
  };
}

/** The document as plain JSON: what `read` reads. */
export function plain(doc: Y.Doc): JsonMap {
  const { meta, nodes, edges, notes } = roots(doc);
  return {
    meta: meta.toJSON() as Json,
    nodes: nodes.toJSON() as Json,
    edges: edges.toJSON() as Json,
    notes: notes.toJSON() as Json,
  };
}

const LONG_TEXT = new Set(["code", "textarea", "template"]);

/** Names of the settings several people can type in at once: they are held as Y.Text. */
export function longTexts(spec: SpecLike | undefined): Set<string> {
  const names = new Set<string>();
  for (const [name, property] of Object.entries(spec?.settings.properties ?? {})) {
    if (LONG_TEXT.has(property["x-widget"] ?? "")) names.add(name);
  }
  return names;
}

/** What a long text holds at birth; `undefined` where "not set" differs from the empty text. */
function defaultText(spec: SpecLike | undefined, name: string): string | undefined {
  const value = spec?.settings.properties?.[name]?.default;
  if (typeof value === "string") return value;
  return spec?.settings.required?.includes(name) ? "" : undefined;
}

/** The fields of a node that are one plain value each. */
export const NODE_FIELDS = [
  "name",
  "parent",
  "disabled",
  "notes",
  "retry",
  "timeout_s",
  "on_error",
  "queue_capacity",
  "priority",
  "resources",
  "pinned",
  "size",
] as const;
export type NodeField = (typeof NODE_FIELDS)[number];

/** Makes a node with every nested container, so that no two peers create one each. */
export function newNode(node: NodeData, spec: SpecLike | undefined): YNode {
  const map: YNode = new Y.Map();
  map.set("type", node.type);
  const version = node.version ?? spec?.version;
  if (typeof version === "number") map.set("version", version);
  if (node.position) map.set("position", whole(node.position));
  for (const field of NODE_FIELDS) {
    const value = node[field];
    if (value !== undefined && value !== null) map.set(field, value);
  }
  const [settings, texts] = newSettings(node.settings ?? {}, spec);
  map.set("settings", settings);
  map.set("texts", texts);
  return map;
}

function newSettings(given: JsonMap, spec: SpecLike | undefined): [Y.Map<unknown>, Y.Map<Y.Text>] {
  const settings = new Y.Map<unknown>();
  const texts = new Y.Map<Y.Text>();
  const long = longTexts(spec);
  for (const name of long) {
    const value = given[name] ?? defaultText(spec, name);
    if (typeof value === "string") texts.set(name, new Y.Text(value));
  }
  for (const [key, value] of Object.entries(given)) {
    if (!(long.has(key) && typeof value === "string")) settings.set(key, value);
  }
  return [settings, texts];
}

export function newEdge(ends: EdgeEnds): Y.Map<unknown> {
  return new Y.Map<unknown>([
    ["source", ends.source],
    ["source_port", ends.source_port],
    ["target", ends.target],
    ["target_port", ends.target_port],
  ]);
}

export function newNote(note: NoteData): Y.Map<unknown> {
  const map = new Y.Map<unknown>();
  map.set("text", new Y.Text(note.text));
  map.set("position", whole(note.position));
  if (note.size) map.set("size", { ...note.size });
  if (note.color) map.set("color", note.color);
  return map;
}

export const whole = (p: Point): Point => ({ x: Math.round(p.x), y: Math.round(p.y) });

export function settingsOf(node: YNode): Y.Map<unknown> | undefined {
  const map = node.get("settings");
  return map instanceof Y.Map ? map : undefined;
}

export function textsOf(node: YNode): Y.Map<Y.Text> | undefined {
  const map = node.get("texts");
  return map instanceof Y.Map ? (map as Y.Map<Y.Text>) : undefined;
}

export function textOf(node: YNode, key: string): Y.Text | undefined {
  const text = textsOf(node)?.get(key);
  return text instanceof Y.Text ? text : undefined;
}

/** Brings a text to a new value by changing only what differs, so that others' cursors stay. */
export function editText(text: Y.Text, value: string): void {
  const old = text.toString();
  if (old === value) return;
  let start = 0;
  while (start < old.length && start < value.length && old[start] === value[start]) start++;
  let end = 0;
  while (
    end < old.length - start &&
    end < value.length - start &&
    old[old.length - 1 - end] === value[value.length - 1 - end]
  ) {
    end++;
  }
  if (splitsPair(old, start) || splitsPair(value, start)) start--;
  if (splitsPair(old, old.length - end) || splitsPair(value, value.length - end)) end--;
  const removed = old.length - start - end;
  if (removed > 0) text.delete(start, removed);
  if (value.length - start - end > 0) text.insert(start, value.slice(start, value.length - end));
}

/** Yjs would replace half of a surrogate pair by U+FFFD. */
function splitsPair(text: string, at: number): boolean {
  const before = text.charCodeAt(at - 1);
  return at > 0 && at < text.length && before >= 0xd800 && before <= 0xdbff;
}

/** A node as a flow file holds it. */
export function nodeData(node: FlowNode): NodeData {
  const { id: _, ...data } = node;
  return data;
}
