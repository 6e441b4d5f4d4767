/** The nodes and edges React Flow draws: the mirror of the document, plus drags in progress. */
import type { Edge, Node } from "@xyflow/react";
import { create } from "zustand";
import { useFolded } from "@/flow/folded";
import { type Frames, framesOf } from "@/flow/frames";
import { type Inferred, infer, type Specs } from "@/flow/infer";
import { type Around, aroundOf, chainOf, contentsOf, handlesOf } from "@/flow/nesting";
import type { How } from "@/flow/ports";
import { useMotion } from "@/flow/presence";
import { withContents } from "@/flow/scene";
import { useGraph } from "@/flow/store";
import type { FlowEdge, FlowNode, FlowNote, Point } from "@/flow/types";
import {
  type ContainerShape,
  containerShape,
  FOLDED_IN,
  FOLDED_OUT,
  foldedHandles,
} from "./container/shape";
import { CARD_WIDTH, type CardShape, cardShape, NOTE_HEIGHT, NOTE_WIDTH } from "./geometry";

export type CardNode = Node<
  { node: FlowNode; shape: CardShape; filled: string; folded: number | null },
  "card"
>;
export type ContainerNode = Node<
  { node: FlowNode; shape: ContainerShape; filled: string; count: number },
  "container"
>;
export type NoteNode = Node<{ note: FlowNote }, "note">;
export type CanvasNode = CardNode | ContainerNode | NoteNode;
export type WireEdge = Edge<{ how: How; family: string }, "wire">;

interface Elements {
  nodes: CanvasNode[];
  edges: WireEdge[];
  inferred: Inferred;
  /** Node in a container → what runs call it: the containers around it, then itself. */
  paths: ReadonlyMap<string, string>;
}

const NOTHING: Inferred = {
  outputs: new Map(),
  inputs: new Map(),
  edges: new Map(),
  lifted: new Set(),
};
export const useElements = create<Elements>(() => ({
  nodes: [],
  edges: [],
  inferred: NOTHING,
  paths: new Map(),
}));

/** What lies over what: containers by depth, then edges, then cards. */
const LAYER = { note: 0, container: 1, edge: 25, card: 30 };
const DEEPEST = 20;

/** Where nodes are while someone here drags them, or while a layout is being shown. */
let moving: Readonly<Record<string, Point>> = {};
/** New sizes of notes and containers while they are being resized. */
let sizing: Readonly<Record<string, { width: number; height: number }>> = {};
let specs: Specs = new Map();
/** What a screen reader calls nodes and edges. */
export interface Words {
  node: (node: FlowNode, inside?: { count: number | null; container: FlowNode | null }) => string;
  edge: (source: string, target: string) => string;
}

let words: Words = { node: ({ id }) => id, edge: (source, target) => `${source} → ${target}` };
let previous = new Map<string, CanvasNode>();
let structure: { edges: readonly FlowEdge[]; types: string; specs: Specs } | null = null;

export const movingPlaces = (): Readonly<Record<string, Point>> => moving;

export function setMoving(places: Readonly<Record<string, Point>>): void {
  moving = places;
  refreshNodes();
}

export function setSizing(sizes: typeof sizing): void {
  sizing = sizes;
  refreshNodes();
}

let filledFor: { edges: readonly FlowEdge[]; around: Around } | null = null;
let filled = new Map<string, string>();

/** The handles that have an edge, per node, as text, so that it compares by value. */
function filledPorts(edges: readonly FlowEdge[], around: Around): Map<string, string> {
  if (filledFor?.edges === edges && filledFor.around === around) return filled;
  filledFor = { edges, around };
  filled = new Map();
  for (const edge of edges) {
    const handles = handlesOf(edge, around);
    filled.set(edge.target, `${filled.get(edge.target) ?? ""}<${handles.target}>`);
    filled.set(edge.source, `${filled.get(edge.source) ?? ""}{${handles.source}}`);
  }
  return filled;
}

/** Everything the drawing of nodes depends on, looked up once for all of them. */
interface View {
  frames: Frames;
  around: Around;
  hidden: ReadonlySet<string>;
  filled: ReadonlyMap<string, string>;
  places: Readonly<Record<string, Point>>;
  chosen: ReadonlySet<string>;
}

function view(): View {
  const { nodes, edges, selection } = useGraph.getState();
  const collapsed = useFolded.getState().ids;
  const around = aroundOf(nodes, specs);
  const drags = useMotion.getState().drags;
  const others = Object.keys(drags).length > 0 ? withContents(drags, true) : drags;
  return {
    frames: framesOf({ nodes, edges, specs, collapsed }),
    around,
    hidden: contentsOf(collapsed, around),
    filled: filledPorts(edges, around),
    places: { ...others, ...moving },
    chosen: new Set(selection),
  };
}

/** The node as it was drawn, when nothing of it changed; data keeps its identity while it can. */
function kept<N extends CanvasNode>(now: N, old: CanvasNode | undefined): N {
  if (!old || old.type !== now.type) return now;
  const before = old.data as Record<string, unknown>;
  const same = Object.entries(now.data).every(([key, value]) => before[key] === value);
  const still =
    same &&
    old.selected === now.selected &&
    old.ariaLabel === now.ariaLabel &&
    old.position.x === now.position.x &&
    old.position.y === now.position.y &&
    old.width === now.width &&
    old.height === now.height;
  if (still) return old as N;
  return same ? { ...now, data: old.data } : now;
}

function cardNode(node: FlowNode, at: View): CardNode {
  const { id } = node;
  const shape = cardShape(node, specs, useGraph.getState().edges);
  const frame = at.frames.get(id);
  const extra = frame ? foldedHandles(CARD_WIDTH, shape.height) : null;
  const container = useGraph.getState().nodes[at.around.get(id) ?? ""] ?? null;
  const card: CardNode = {
    id,
    type: "card",
    position: at.places[id] ?? (frame ? { x: frame.x, y: frame.y } : node.position),
    width: CARD_WIDTH,
    height: shape.height,
    measured: shape.measured,
    handles: extra ? [...shape.handles, ...extra] : shape.handles,
    data: { node, shape, filled: at.filled.get(id) ?? "", folded: frame ? frame.count : null },
    ariaLabel: words.node(node, { count: frame?.count ?? null, container }),
    selected: at.chosen.has(id),
    zIndex: LAYER.card,
  };
  return kept(card, previous.get(id));
}

const THROUGH = { pointerEvents: "none" } as const;

function containerNode(node: FlowNode, at: View): ContainerNode {
  const { id } = node;
  const own = at.frames.get(id);
  const frame = own && sizing[id] ? { ...own, ...sizing[id] } : own;
  if (!frame) throw new Error(`no frame of ${id}`);
  const shape = containerShape(node, frame, specs, useGraph.getState().edges);
  const depth = chainOf(id, at.around).length - 1;
  const container = useGraph.getState().nodes[at.around.get(id) ?? ""] ?? null;
  const drawn: ContainerNode = {
    id,
    type: "container",
    position: at.places[id] ?? { x: frame.x, y: frame.y },
    width: frame.width,
    height: frame.height,
    measured: shape.measured,
    handles: shape.handles,
    data: { node, shape, filled: at.filled.get(id) ?? "", count: frame.count },
    ariaLabel: words.node(node, { count: frame.count, container }),
    selected: at.chosen.has(id),
    // The inside lets the pointer through, to what lies in it and to the canvas.
    selectable: false,
    focusable: true,
    style: THROUGH,
    dragHandle: `.${DRAGGED_BY}`,
    zIndex: LAYER.container + Math.min(depth, DEEPEST),
  };
  return kept(drawn, previous.get(id));
}

/** Class of what a container is dragged by. */
export const DRAGGED_BY = "container-head";

function noteNode(note: FlowNote, at: View): NoteNode {
  const { width, height } = sizing[note.id] ??
    note.size ?? { width: NOTE_WIDTH, height: NOTE_HEIGHT };
  const drawn: NoteNode = {
    id: note.id,
    type: "note",
    position: at.places[note.id] ?? note.position,
    width,
    height,
    measured: { width, height },
    data: { note },
    selected: at.chosen.has(note.id),
    zIndex: LAYER.note,
  };
  return kept(drawn, previous.get(note.id));
}

function refreshNodes(): void {
  const graph = useGraph.getState();
  const at = view();
  const nodes: CanvasNode[] = [];
  for (const note of Object.values(graph.notes)) nodes.push(noteNode(note, at));
  for (const [id, frame] of at.frames) {
    const node = graph.nodes[id];
    if (node && !frame.collapsed && !at.hidden.has(id)) nodes.push(containerNode(node, at));
  }
  for (const node of Object.values(graph.nodes)) {
    const frame = at.frames.get(node.id);
    if (!at.hidden.has(node.id) && (!frame || frame.collapsed)) nodes.push(cardNode(node, at));
  }
  previous = new Map(nodes.map((node) => [node.id, node]));
  const before = useElements.getState().nodes;
  if (nodes.length === before.length && nodes.every((node, i) => node === before[i])) return;
  useElements.setState({ nodes, ...pathsOf(at.around) });
}

let pathsFor: Around | null = null;

function pathsOf(around: Around): Partial<Elements> {
  if (pathsFor === around) return {};
  pathsFor = around;
  return { paths: new Map([...around.keys()].map((id) => [id, chainOf(id, around).join("/")])) };
}

/** Follows the types again only when the wiring, the mode, a node's type or its ports changed. */
function refreshTypes(): Inferred {
  const { nodes, edges, meta } = useGraph.getState();
  const types = Object.values(nodes)
    .map((n) => `${n.id}:${n.type}:${n.on_error ?? ""}:${n.parent ?? ""}:${named(n)}`)
    .join()
    .concat(meta.mode);
  if (structure?.edges === edges && structure.types === types && structure.specs === specs) {
    return useElements.getState().inferred;
  }
  structure = { edges, types, specs };
  return infer(nodes, edges, specs, meta.mode);
}

/** What a setting names, where ports follow from it. */
function named(node: FlowNode): string {
  const source = specs.get(node.type)?.ports_from;
  return source ? JSON.stringify(node.settings[source.setting] ?? null) : "";
}

function refreshEdges(): void {
  const graph = useGraph.getState();
  const inferred = refreshTypes();
  const chosen = new Set(graph.selectedEdges);
  const old = new Map(useElements.getState().edges.map((edge) => [edge.id, edge]));
  const around = aroundOf(graph.nodes, specs);
  const edges = graph.edges.flatMap((edge) => {
    const ends = shownEnds(edge, around);
    return ends ? [wireEdge(edge, ends, inferred, chosen, old.get(edge.id))] : [];
  });
  useElements.setState({ edges, inferred });
}

interface Ends {
  source: string;
  sourceHandle: string;
  target: string;
  targetHandle: string;
}

/** Where an edge is drawn: at the card of a folded container, where its end lies in one. */
function shownEnds(edge: FlowEdge, around: Around): Ends | null {
  const handles = handlesOf(edge, around);
  const folded = useFolded.getState().ids;
  const ends = {
    source: edge.source,
    sourceHandle: handles.source,
    target: edge.target,
    targetHandle: handles.target,
  };
  if (folded.size === 0) return ends;
  const cover = (id: string) => chainOf(id, around).find((each) => folded.has(each));
  const [from, to] = [cover(edge.source), cover(edge.target)];
  if (from !== undefined && from === to) return null;
  if (from !== undefined && from !== edge.source) {
    Object.assign(ends, { source: from, sourceHandle: FOLDED_OUT });
  }
  if (to !== undefined && to !== edge.target) {
    Object.assign(ends, { target: to, targetHandle: FOLDED_IN });
  }
  return ends;
}

function nameOf(id: string): string {
  const node = useGraph.getState().nodes[id];
  return node ? words.node(node) : id;
}

/** The family of what leaves by a handle. */
function familyOf(id: string, handle: string): string {
  const drawn = previous.get(id);
  if (!drawn || drawn.type === "note") return "any";
  const { shape } = drawn.data;
  const ports = "starts" in shape ? [...shape.outputs, ...shape.starts] : shape.outputs;
  return ports.find((port) => port.handle === handle)?.family ?? "any";
}

function wireEdge(
  edge: FlowEdge,
  ends: Ends,
  inferred: Inferred,
  chosen: ReadonlySet<string>,
  old: WireEdge | undefined,
): WireEdge {
  const how = inferred.edges.get(edge.id) ?? "same";
  const family = familyOf(ends.source, ends.sourceHandle);
  const selected = chosen.has(edge.id);
  const ariaLabel = words.edge(nameOf(edge.source), nameOf(edge.target));
  const same =
    old?.data?.how === how &&
    old.data.family === family &&
    old.selected === selected &&
    old.ariaLabel === ariaLabel &&
    old.source === ends.source &&
    old.sourceHandle === ends.sourceHandle &&
    old.target === ends.target &&
    old.targetHandle === ends.targetHandle;
  if (old && same) return old;
  return {
    id: edge.id,
    type: "wire",
    ...ends,
    data: { how, family },
    ariaLabel,
    selected,
    interactionWidth: 24,
    zIndex: LAYER.edge,
  };
}

/** Draws the open flow until the answer is called. */
export function bindElements(catalogue: Specs, called: Words = words): () => void {
  specs = catalogue;
  words = called;
  refreshNodes();
  refreshEdges();
  const stops = [
    useGraph.subscribe((now, was) => {
      refreshNodes();
      if (now.edges !== was.edges || now.nodes !== was.nodes) refreshEdges();
      else if (now.meta.mode !== was.meta.mode) refreshEdges();
      else if (now.selectedEdges !== was.selectedEdges) refreshEdges();
    }),
    useMotion.subscribe((now, was) => {
      if (JSON.stringify(now.drags) !== JSON.stringify(was.drags)) refreshNodes();
    }),
    useFolded.subscribe(() => {
      refreshNodes();
      refreshEdges();
    }),
  ];
  return () => {
    for (const stop of stops) stop();
    moving = {};
    sizing = {};
    previous = new Map();
    structure = null;
    useElements.setState({ nodes: [], edges: [], inferred: NOTHING });
  };
}
