/** Keeps `useGraph` equal to the document, touching only what a change touched. */
import * as Y from "yjs";
import { places } from "./graph";
import {
  compareText,
  isMap,
  type Multiple,
  readEdges,
  readMeta,
  readNode,
  readNote,
  readParents,
  sortedKeys,
} from "./read";
import { type Roots, roots } from "./schema";
import { EMPTY_GRAPH, type Graph, useGraph } from "./store";
import type {
  DocumentProblem,
  FlowEdge,
  FlowInput,
  FlowMeta,
  FlowNode,
  FlowNote,
  JsonMap,
  Mode,
  NodeData,
} from "./types";

// biome-ignore lint/suspicious/noExplicitAny: the type yjs declares for the events of a deep observer.
type DeepEvent = Y.YEvent<any>;

/** What came out of reading one node, kept until the node changes. */
interface Reading {
  data: NodeData | undefined;
  problems: DocumentProblem[];
}

export class Mirror {
  private readonly roots: Roots;
  private readonly readings = new Map<string, Reading>();
  private readonly stop: (() => void)[] = [];
  private edgeProblems: DocumentProblem[] = [];
  private parentProblems: DocumentProblem[] = [];
  private noteProblems: DocumentProblem[] = [];
  /** Something else is shown; the document is read again when it is not any more. */
  private covered = false;
  /** The nodes with the parents that count. */
  private parents: Readonly<Record<string, NodeData>> = {};

  constructor(
    doc: Y.Doc,
    private multiple: Multiple,
  ) {
    this.roots = roots(doc);
    this.watch(this.roots.nodes, (events) => this.onNodes(events));
    this.watch(this.roots.edges, () => this.publish({ edges: this.edges() }));
    this.watch(this.roots.notes, (events) => this.onNotes(events));
    this.watch(this.roots.meta, () => this.publish({ meta: this.meta() }));
    this.rebuild();
  }

  private watch<T>(map: Y.Map<T>, listener: (events: DeepEvent[]) => void): void {
    map.observeDeep(listener);
    this.stop.push(() => map.unobserveDeep(listener));
  }

  /** Which input ports take many edges is known only when the catalogue has arrived. */
  setMultiple(multiple: Multiple): void {
    this.multiple = multiple;
    this.publish({ edges: this.edges() });
  }

  destroy(): void {
    for (const stop of this.stop) stop();
    useGraph.setState(EMPTY_GRAPH, true);
  }

  /** Shows something else than the document. */
  cover(shown: Partial<Graph>): void {
    this.covered = true;
    useGraph.setState({ ...shown, selection: [], selectedEdges: [] });
  }

  /** Shows the document again. */
  uncover(): void {
    this.covered = false;
    useGraph.setState({ nodes: {}, edges: [], selection: [], selectedEdges: [] });
    this.rebuild();
  }

  rebuild(): void {
    this.readings.clear();
    for (const id of this.roots.nodes.keys()) this.readings.set(id, this.reading(id));
    const nodes = this.nodes(new Set(this.readings.keys()));
    this.publish({ nodes, edges: this.edges(), notes: this.notes(null), meta: this.meta() });
  }

  private reading(id: string): Reading {
    const map = this.roots.nodes.get(id) as unknown;
    const raw: unknown = map instanceof Y.AbstractType ? map.toJSON() : map;
    const [data, problems] = readNode(id, raw);
    return { data, problems };
  }

  private onNodes(events: DeepEvent[]): void {
    const changed = touched(events, this.roots.nodes);
    let structure = false;
    for (const id of changed) {
      const before = this.readings.get(id)?.data;
      if (this.roots.nodes.has(id)) this.readings.set(id, this.reading(id));
      else this.readings.delete(id);
      const now = this.readings.get(id)?.data;
      if (now?.type !== before?.type || now?.parent !== before?.parent) structure = true;
    }
    const patch: Partial<Graph> = { nodes: this.nodes(changed) };
    if (structure && !this.covered) {
      patch.edges = this.edges();
      const { selection } = useGraph.getState();
      const kept = selection.filter((id) => patch.nodes?.[id] || this.roots.notes.has(id));
      if (kept.length !== selection.length) patch.selection = kept;
    }
    this.publish(patch);
  }

  /** The nodes to show: those that changed anew, the others as they were. */
  private nodes(changed: ReadonlySet<string>): Record<string, FlowNode> {
    const readable: Record<string, NodeData> = {};
    for (const [id, { data }] of this.readings) if (data) readable[id] = data;
    this.parentProblems = readParents(readable);
    this.parents = readable;
    const previous = useGraph.getState().nodes;
    const nodes: Record<string, FlowNode> = {};
    const homeless: string[] = [];
    for (const id of sortedKeys(readable)) {
      const data = readable[id] as NodeData;
      const old = previous[id];
      if (!data.position) homeless.push(id);
      if (old && !changed.has(id) && old.parent === data.parent) nodes[id] = old;
      else nodes[id] = { settings: {}, ...data, id, position: data.position ?? { x: 0, y: 0 } };
    }
    if (homeless.length > 0) this.house(homeless, nodes);
    return nodes;
  }

  /** Nodes made without a place (by the API, by hand) get one on the canvas only. */
  private house(homeless: string[], nodes: Record<string, FlowNode>): void {
    const missing = new Set(homeless);
    const placed = Object.values(nodes).filter((n) => !missing.has(n.id));
    const parentOf = (id: string) => nodes[id]?.parent;
    const edges = readEdges(this.rawEdges(), (id) => nodes[id]?.type, this.multiple, parentOf)[0];
    const found = places(
      homeless,
      edges,
      placed.map((n) => n.position),
    );
    for (const id of homeless) {
      const node = nodes[id];
      const position = found.get(id);
      if (!node || !position) continue;
      if (node.position.x !== position.x || node.position.y !== position.y) {
        nodes[id] = { ...node, position };
      }
    }
  }

  private rawEdges(): JsonMap {
    return this.roots.edges.toJSON() as JsonMap;
  }

  private edges(): FlowEdge[] {
    const previous = new Map(useGraph.getState().edges.map((e) => [e.id, e]));
    const type = (id: string) => this.readings.get(id)?.data?.type;
    const parentOf = (id: string) => this.parents[id]?.parent;
    const [edges, problems] = readEdges(this.rawEdges(), type, this.multiple, parentOf);
    this.edgeProblems = problems;
    return edges.map((edge) => previous.get(edge.id) ?? edge);
  }

  private onNotes(events: DeepEvent[]): void {
    this.publish({ notes: this.notes(touched(events, this.roots.notes)) });
  }

  private notes(changed: ReadonlySet<string> | null): Record<string, FlowNote> {
    const previous = useGraph.getState().notes;
    const notes: Record<string, FlowNote> = {};
    this.noteProblems = [];
    for (const id of [...this.roots.notes.keys()].sort(compareText)) {
      const map = this.roots.notes.get(id) as unknown;
      const [note, found] = readNote(id, map instanceof Y.AbstractType ? map.toJSON() : map);
      this.noteProblems.push(...found);
      const old = previous[id];
      if (note) notes[id] = old && changed && !changed.has(id) ? old : { ...note, id };
    }
    return notes;
  }

  private meta(): FlowMeta {
    const raw = this.roots.meta.toJSON() as JsonMap;
    const [meta] = readMeta(raw);
    return {
      name: meta.name,
      description: meta.description ?? "",
      mode: (meta.mode ?? "batch") as Mode,
      inputs: (isMap(meta.inputs) ? meta.inputs : {}) as Record<string, FlowInput>,
      variables: meta.variables ?? {},
      outputs: meta.outputs ?? [],
      epoch: typeof raw.epoch === "number" ? raw.epoch : 0,
    };
  }

  private publish(patch: Partial<Graph>): void {
    if (this.covered) return;
    const [, metaProblems] = readMeta(this.roots.meta.toJSON());
    const troubled = [...this.readings].filter(([, reading]) => reading.problems.length > 0);
    const problems = [
      ...metaProblems,
      ...troubled.sort(([a], [b]) => compareText(a, b)).flatMap(([, reading]) => reading.problems),
      ...this.parentProblems,
      ...this.edgeProblems,
      ...this.noteProblems,
    ];
    const before = useGraph.getState().problems;
    const unchanged = JSON.stringify(before) === JSON.stringify(problems);
    useGraph.setState({ ...patch, problems: unchanged ? before : problems });
  }
}

/** First-level keys under `root` that any of the events touched. */
function touched(events: DeepEvent[], root: unknown): Set<string> {
  const keys = new Set<string>();
  for (const event of events) {
    if (event.target === root) for (const key of event.changes.keys.keys()) keys.add(key);
    else keys.add(String(event.path[0]));
  }
  return keys;
}
