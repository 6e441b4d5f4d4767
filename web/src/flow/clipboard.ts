/** Copy, cut, paste and duplicate: a piece of a flow as JSON text, so that it crosses flows. */
import { frameAt } from "./frames";
import { newId } from "./ids";
import { contentsOf } from "./nesting";
import { isMap, portKey, read } from "./read";
import { aroundNow, framesNow } from "./scene";
import { newEdge, newNode, newNote, nodeData, whole } from "./schema";
import { editable, multipleOf, notices, setSelection } from "./session";
import { useGraph } from "./store";
import type { Flow, JsonMap, Label, Point } from "./types";
import { edgeId } from "./types";

const MAX_CHARS = 2_000_000;
const OFFSET = 28;
/** So often a piece is moved on; with thousands of nodes each time costs. */
const MOST_TIMES = 50;

/** The chosen nodes and notes, with the edges between them, as a flow file; `null` if nothing. */
export function copy(ids: readonly string[]): string | null {
  const { nodes, edges, notes, meta } = useGraph.getState();
  const inside = new Set([...ids, ...contentsOf(ids, aroundNow())]);
  const piece: Flow = { format: "weft/1", name: meta.name, nodes: {}, edges: [] };
  for (const id of inside) {
    const node = nodes[id];
    if (node) piece.nodes[id] = nodeData(node);
    const note = notes[id];
    if (note) {
      const { id: _, ...data } = note;
      piece.notes = { ...piece.notes, [id]: data };
    }
  }
  if (Object.keys(piece.nodes).length === 0 && !piece.notes) return null;
  piece.edges = edges
    .filter((e) => inside.has(e.source) && inside.has(e.target))
    .map(({ id: _, ...ends }) => ends);
  return JSON.stringify(piece, null, 2);
}

/** Understands what `copy` made, and any flow file in JSON; `null` for other text. */
export function parse(text: string): Flow | null {
  if (text.length > MAX_CHARS || !text.trimStart().startsWith("{")) return null;
  let found: unknown;
  try {
    found = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isMap(found) || found.format !== "weft/1") return null;
  return read({ ...found, meta: { name: found.name ?? "" }, edges: edgeMap(found.edges) }, ANY)
    .flow;
}

/** Lets every port take many edges: which ones may is settled when the piece is written. */
const ANY = { has: () => true } as unknown as ReadonlySet<string>;

function edgeMap(edges: unknown): JsonMap {
  if (!Array.isArray(edges)) return {};
  return Object.fromEntries(edges.map((edge, i) => [String(i), edge]));
}

/** The top left corner; where a container is follows from what lies in it. */
function corner(piece: Flow): Point {
  const full = new Set(Object.values(piece.nodes).map((node) => node.parent));
  const cards = Object.entries(piece.nodes).flatMap(([id, node]) => (full.has(id) ? [] : [node]));
  const places = [...cards, ...Object.values(piece.notes ?? {})].map(
    (item) => item.position ?? { x: 0, y: 0 },
  );
  return { x: Math.min(...places.map((p) => p.x)), y: Math.min(...places.map((p) => p.y)) };
}

/** Moves a piece on until nothing of it hides what is there already. */
function clearOf(piece: Flow, by: Point): Point {
  const { nodes, notes } = useGraph.getState();
  const there = [...Object.values(nodes), ...Object.values(notes)].map((each) => each.position);
  const own = [...Object.values(piece.nodes), ...Object.values(piece.notes ?? {})];
  const hides = (at: Point) =>
    own.some(({ position: p }) =>
      there.some((q) => p && Math.hypot(p.x + at.x - q.x, p.y + at.y - q.y) < OFFSET / 2),
    );
  let at = by;
  for (let i = 0; i < MOST_TIMES && hides(at); i++) at = { x: at.x + OFFSET, y: at.y + OFFSET };
  return at;
}

/** In which container something lands, by the container it was copied from. */
type Home = (parent: string | undefined) => string | null;

/** Adds a piece with new ids, its top left corner at `at`; one undo step; selects what came. */
export function insert(piece: Flow, at: Point, label: string, home: Home = () => null): string[] {
  const session = editable();
  if (!session) return [];
  const from = corner(piece);
  const by = clearOf(piece, { x: at.x - from.x, y: at.y - from.y });
  const shift = (p: Point = from): Point => whole({ x: p.x + by.x, y: p.y + by.y });
  const { roots, specs } = session;
  const names = new Map<string, string>();
  const taken = (id: string) => roots.nodes.has(id) || roots.notes.has(id);
  const count = Object.keys(piece.nodes).length;
  const step: Label = { key: label, count };
  session.history.run(step, () => {
    for (const [id, node] of Object.entries(piece.nodes)) {
      const fresh = newId(node.type, taken);
      names.set(id, fresh);
      const { parent: _, ...data } = { ...node, position: shift(node.position) };
      roots.nodes.set(fresh, newNode(data, specs.get(node.type)));
    }
    for (const [id, { parent }] of Object.entries(piece.nodes)) {
      const frame = (parent && names.get(parent)) || home(parent);
      if (frame) roots.nodes.get(names.get(id) ?? "")?.set("parent", frame);
    }
    writeEdges(piece, names, session.specs, (id, edge) => roots.edges.set(id, edge));
    for (const [id, note] of Object.entries(piece.notes ?? {})) {
      const fresh = newId("note", taken);
      names.set(`note:${id}`, fresh);
      roots.notes.set(fresh, newNote({ ...note, position: shift(note.position) }));
    }
    const outer = (id: string) => !names.has(piece.nodes[id]?.parent ?? "");
    setSelection([...names].flatMap(([id, fresh]) => (outer(id) ? [fresh] : [])));
  });
  return [...names.values()];
}

function writeEdges(
  piece: Flow,
  names: ReadonlyMap<string, string>,
  specs: Parameters<typeof multipleOf>[0],
  write: (id: string, edge: ReturnType<typeof newEdge>) => void,
): void {
  const multiple = multipleOf(specs);
  const filled = new Set<string>();
  for (const edge of piece.edges) {
    const source = names.get(edge.source);
    const target = names.get(edge.target);
    const type = piece.nodes[edge.target]?.type;
    if (!source || !target || type === undefined) continue;
    const ends = { ...edge, source, target };
    const inside = liesIn(piece, edge.source, edge.target);
    const port = `${target}\u0000${edge.target_port}\u0000${inside}`;
    if (filled.has(port) && !multiple.has(portKey(type, edge.target_port))) continue;
    filled.add(port);
    write(edgeId(ends), newEdge(ends));
  }
}

/** Whether a node of a piece lies in another. */
function liesIn(piece: Flow, id: string, container: string): boolean {
  let at = piece.nodes[id]?.parent;
  for (let steps = 0; at !== undefined && steps < 100; steps++) {
    if (at === container) return true;
    at = piece.nodes[at]?.parent;
  }
  return false;
}

/** Pastes text; says so when it is not a piece of a flow. */
export function paste(text: string, at: Point): string[] {
  const piece = parse(text);
  if (!piece || Object.keys(piece.nodes).length + Object.keys(piece.notes ?? {}).length === 0) {
    notices.emit({ key: "pasteUnknown", kind: "warning" });
    return [];
  }
  const container = frameAt(framesNow(), at);
  return insert(piece, at, "paste", () => container);
}

/** Copies the chosen things beside themselves. */
export function duplicate(ids: readonly string[]): string[] {
  const text = copy(ids);
  const piece = text === null ? null : parse(text);
  if (!piece) return [];
  const from = corner(piece);
  const { nodes } = useGraph.getState();
  const beside = (parent: string | undefined) => (parent && nodes[parent] ? parent : null);
  return insert(piece, { x: from.x + OFFSET, y: from.y + OFFSET }, "duplicate", beside);
}
