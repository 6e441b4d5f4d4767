/**
 * `read`: from the plain JSON of a document to a valid flow and what had to be hidden for it.
 *
 * Pure, total and deterministic, and the same as `weft_server.rooms.reading.read`: both are held
 * to `tests/vectors/document/*.json`.
 */
import * as fields from "./fields";
import { BAD, isId, isMap, type Parser } from "./fields";
import { closesCycle, order } from "./graph";
import type {
  DocumentProblem,
  EdgeEnds,
  Flow,
  FlowEdge,
  Json,
  JsonMap,
  NodeData,
  NoteData,
} from "./types";
import { edgeId } from "./types";

export { isMap };

/** Input ports that take many edges. */
export type Multiple = ReadonlySet<string>;

/** Key of an input port in such a set. */
export const portKey = (type: string, port: string): string => `${type}\u0000${port}`;

const UNTITLED = "Untitled";
const SURROGATE = /[\ud800-\udfff]/;

/** Sorted by code point, as Python sorts. */
export function sortedKeys(map: Record<string, unknown>): string[] {
  return Object.keys(map).sort(compareText);
}

export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  if (!SURROGATE.test(a) && !SURROGATE.test(b)) return a < b ? -1 : 1;
  const left = Array.from(a);
  const right = Array.from(b);
  const shared = Math.min(left.length, right.length);
  for (let i = 0; i < shared; i++) {
    const difference = (left[i]?.codePointAt(0) ?? 0) - (right[i]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

type Report = (path: string) => void;
type Known = readonly (readonly [string, Parser])[];

/** The fields that have a good value; those that have a bad one are reported. */
function readFields(raw: JsonMap, known: Known, report: Report): JsonMap {
  const found: JsonMap = {};
  for (const [name, parse] of known) {
    const given = raw[name];
    if (fields.isNull(given)) continue;
    const value = parse(given);
    if (value === BAD) report(name);
    else found[name] = value as Json;
  }
  return found;
}

function entries(raw: JsonMap, name: string, report: Report): JsonMap {
  const given = raw[name];
  if (!fields.isNull(given) && !isMap(given)) report(name);
  return isMap(given) ? given : {};
}

/** Plain values by key. */
function readValues(
  raw: JsonMap,
  prefix: string,
  isKey: (key: string) => boolean,
  report: Report,
): JsonMap {
  const found: JsonMap = {};
  for (const key of sortedKeys(raw)) {
    const value = isKey(key) ? fields.value(raw[key]) : BAD;
    if (value === BAD) report(`${prefix}.${key}`);
    else found[key] = value as Json;
  }
  return found;
}

const META: Known = [
  ["name", fields.name],
  ["description", fields.prose],
  ["mode", fields.mode],
  ["env", fields.environment],
  ["parallelism", fields.integer(1, 1024)],
  ["restart", fields.retry],
  ["checkpoint", fields.checkpoint],
];

const INPUT: Known = [
  ["type", fields.text(200, 1)],
  ["default", fields.anyValue],
  ["description", fields.prose],
];

type Meta = Pick<Flow, "name"> & Partial<Flow>;

export function readMeta(given: unknown): [Meta, DocumentProblem[]] {
  const raw = isMap(given) ? given : {};
  const problems: DocumentProblem[] = [];
  const report = (path: string) =>
    problems.push({ code: "document.bad_value", path: `meta.${path}` });
  const meta = readFields(raw, META, report);
  const inputs = readInputs(entries(raw, "inputs", report), report);
  const variables = readValues(entries(raw, "variables", report), "variables", isId, report);
  const outputs = sortedKeys(entries(raw, "outputs", report)).filter(isId);
  if (meta.mode === "batch") delete meta.mode;
  if (Object.keys(inputs).length > 0) meta.inputs = inputs;
  if (Object.keys(variables).length > 0) meta.variables = variables;
  if (outputs.length > 0) meta.outputs = outputs;
  return [{ name: UNTITLED, ...meta } as Meta, problems];
}

function readInputs(raw: JsonMap, report: Report): JsonMap {
  const found: JsonMap = {};
  for (const key of sortedKeys(raw)) {
    const given = raw[key];
    if (!isId(key) || !isMap(given)) report(`inputs.${key}`);
    else found[key] = readFields(given, INPUT, (path) => report(`inputs.${key}.${path}`));
  }
  return found;
}

const NODE: Known = [
  ["name", fields.line],
  ["parent", fields.anyText],
  ["disabled", fields.boolean],
  ["notes", fields.prose],
  ["retry", fields.retry],
  ["timeout_s", fields.number(0, 604_800, true)],
  ["on_error", fields.onError],
  ["queue_capacity", fields.integer(1, 1_000_000)],
  ["priority", fields.integer(-100, 100)],
  ["resources", fields.resources],
  ["pinned", fields.anyValue],
  ["version", fields.integer(1, 2 ** 53 - 1)],
  ["position", fields.position],
  ["size", fields.size],
];

/** Reads one node; `undefined` when it cannot be shown. */
export function readNode(id: string, raw: unknown): [NodeData | undefined, DocumentProblem[]] {
  const type = isMap(raw) ? fields.typeName(raw.type) : BAD;
  if (type === BAD || !isId(id) || !isMap(raw)) {
    return [undefined, [{ code: "document.malformed_node", node: id }]];
  }
  const problems: DocumentProblem[] = [];
  const report: Report = (path) => problems.push({ code: "document.bad_value", node: id, path });
  const node = { type: type as string, ...readFields(raw, NODE, report) } as JsonMap;
  if (node.disabled === false) delete node.disabled;
  if (node.on_error === "fail") delete node.on_error;
  const settings = readSettings(raw, report);
  if (Object.keys(settings).length > 0) node.settings = settings;
  return [node as unknown as NodeData, problems];
}

/** The settings; one that several people can type in at once stands among the texts. */
function readSettings(raw: JsonMap, report: Report): JsonMap {
  const found = readValues(entries(raw, "settings", report), "settings", fields.isSetting, report);
  const texts = entries(raw, "texts", report);
  for (const key of sortedKeys(texts)) {
    const text = fields.isSetting(key) ? fields.anyText(texts[key]) : BAD;
    if (text === BAD) report(`texts.${key}`);
    else found[key] = text as Json;
  }
  return found;
}

/** Takes a node out of a parent that is missing, or that lies inside the node itself. */
export function readParents(nodes: Record<string, NodeData>): DocumentProblem[] {
  const problems: DocumentProblem[] = [];
  for (const id of sortedKeys(nodes)) {
    const node = nodes[id];
    if (node?.parent === undefined) continue;
    if (nodes[node.parent] && !containsItself(nodes, id)) continue;
    const { parent: _, ...rest } = node;
    nodes[id] = rest;
    problems.push({ code: "document.orphan_parent", node: id });
  }
  return problems;
}

const containsItself = (nodes: Record<string, NodeData>, id: string): boolean =>
  liesIn((at) => nodes[at]?.parent, id, id);

type ParentOf = (node: string) => string | undefined;

/** Whether a node lies in another, at once or through others. */
function liesIn(parentOf: ParentOf, id: string, container: string): boolean {
  const seen = new Set<string>();
  let at = parentOf(id);
  while (at !== undefined && !seen.has(at)) {
    if (at === container) return true;
    seen.add(at);
    at = parentOf(at);
  }
  return false;
}

function readEnds(raw: unknown): EdgeEnds | undefined {
  if (!isMap(raw)) return undefined;
  const { source, source_port, target, target_port } = raw;
  const all = [source, source_port, target, target_port];
  if (!all.every((end) => typeof end === "string" && isId(end))) return undefined;
  return { source, source_port, target, target_port } as EdgeEnds;
}

type TypeOf = (node: string) => string | undefined;

const NOWHERE: ParentOf = () => undefined;

/**
 * Keeps the edges a valid flow can have: both ends there, ports filled once, no cycle.
 *
 * A port of a container may face inwards as well as outwards: it can be filled from both sides.
 * Edges between a node and what lies in it are part of no circle.
 */
export function readEdges(
  raw: Record<string, unknown>,
  typeOf: TypeOf,
  multiple: Multiple,
  parentOf: ParentOf = NOWHERE,
): [FlowEdge[], DocumentProblem[]] {
  const problems: DocumentProblem[] = [];
  const kept = new Map<string, FlowEdge>();
  const keys = new Map<string, string>();
  const taken = new Set<string>();
  for (const key of sortedKeys(raw)) {
    const ends = readEnds(raw[key]);
    const inside = ends !== undefined && liesIn(parentOf, ends.source, ends.target);
    const filled = ends && `${portKey(ends.target, ends.target_port)}\u0000${inside}`;
    const fault = faultOf(ends, typeOf, multiple, filled !== undefined && taken.has(filled), kept);
    if (fault || !ends) {
      problems.push({ code: `document.${fault}`, edge: key });
      continue;
    }
    const edge = { id: edgeId(ends), ...ends };
    if (filled) taken.add(filled);
    kept.set(edge.id, edge);
    keys.set(edge.id, key);
  }
  const edges = [...kept.values()].sort((a, b) => compareText(a.id, b.id));
  const nested = ({ source, target }: EdgeEnds) =>
    liesIn(parentOf, source, target) || liesIn(parentOf, target, source);
  const closing = new Set(closingEdges(edges.filter((edge) => !nested(edge))));
  for (const edge of closing) {
    problems.push({ code: "document.cycle", edge: keys.get(edge.id) ?? edge.id });
  }
  return [closing.size > 0 ? edges.filter((edge) => !closing.has(edge)) : edges, problems];
}

function faultOf(
  ends: EdgeEnds | undefined,
  typeOf: TypeOf,
  multiple: Multiple,
  taken: boolean,
  kept: ReadonlyMap<string, FlowEdge>,
): string | null {
  if (!ends) return "malformed_edge";
  if (kept.has(edgeId(ends))) return "duplicate_edge";
  const type = typeOf(ends.target);
  if (type === undefined || typeOf(ends.source) === undefined) return "dangling_edge";
  if (multiple.has(portKey(type, ends.target_port))) return null;
  return taken ? "port_taken" : null;
}

/** Adds the edges in order and answers each one that closes a cycle. */
function closingEdges(edges: FlowEdge[]): FlowEdge[] {
  const ids = [...new Set(edges.flatMap((e) => [e.source, e.target]))];
  if (order(ids, edges).length === ids.length) return [];
  const kept: FlowEdge[] = [];
  const closing: FlowEdge[] = [];
  for (const edge of edges) {
    (closesCycle(kept, edge.source, edge.target) ? closing : kept).push(edge);
  }
  return closing;
}

const NOTE: Known = [
  ["text", fields.prose],
  ["position", fields.position],
  ["size", fields.size],
  ["color", fields.text(40)],
];

/** Reads one note; `undefined` when it cannot be shown. */
export function readNote(id: string, raw: unknown): [NoteData | undefined, DocumentProblem[]] {
  const problems: DocumentProblem[] = [];
  const path = `notes.${id}`;
  const note = readFields(isMap(raw) ? raw : {}, NOTE, (fault) =>
    problems.push({ code: "document.bad_value", path: `${path}.${fault}` }),
  );
  if (!isId(id) || note.text === undefined || note.position === undefined) {
    return [undefined, [{ code: "document.malformed_note", path }]];
  }
  return [note as unknown as NoteData, problems];
}

/** Reads a whole document. */
export function read(
  document: JsonMap,
  multiple: Multiple,
): { flow: Flow; problems: DocumentProblem[] } {
  const [meta, problems] = readMeta(document.meta);
  const rawNodes = isMap(document.nodes) ? document.nodes : {};
  const nodes: Record<string, NodeData> = {};
  for (const id of sortedKeys(rawNodes)) {
    const [node, found] = readNode(id, rawNodes[id]);
    problems.push(...found);
    if (node) nodes[id] = node;
  }
  problems.push(...readParents(nodes));
  const rawEdges = isMap(document.edges) ? document.edges : {};
  const [edges, hidden] = readEdges(
    rawEdges,
    (id) => nodes[id]?.type,
    multiple,
    (id) => nodes[id]?.parent,
  );
  problems.push(...hidden);
  const rawNotes = isMap(document.notes) ? document.notes : {};
  const notes: Record<string, NoteData> = {};
  for (const id of sortedKeys(rawNotes)) {
    const [note, found] = readNote(id, rawNotes[id]);
    if (note) notes[id] = note;
    problems.push(...found);
  }
  const { outputs, ...rest } = meta;
  const there = (outputs ?? []).filter((id) => nodes[id]);
  const flow: Flow = {
    format: "weft/1",
    ...rest,
    nodes,
    edges: edges.map(({ id: _, ...ends }) => ends),
    ...(there.length > 0 ? { outputs: there } : {}),
    ...(Object.keys(notes).length > 0 ? { notes } : {}),
  };
  return { flow, problems };
}
