/** The nodes and edges React Flow draws: the mirror of the document, plus drags in progress. */
import type { Edge, Node } from "@xyflow/react";
import { create } from "zustand";
import { type Inferred, infer, type Specs } from "@/flow/infer";
import type { How } from "@/flow/ports";
import { useMotion } from "@/flow/presence";
import { useGraph } from "@/flow/store";
import type { FlowEdge, FlowNode, FlowNote, Point } from "@/flow/types";
import { CARD_WIDTH, type CardShape, cardShape, NOTE_HEIGHT, NOTE_WIDTH } from "./geometry";

export type CardNode = Node<{ node: FlowNode; shape: CardShape; filled: string }, "card">;
export type NoteNode = Node<{ note: FlowNote }, "note">;
export type CanvasNode = CardNode | NoteNode;
export type WireEdge = Edge<{ how: How; family: string }, "wire">;

interface Elements {
  nodes: CanvasNode[];
  edges: WireEdge[];
  inferred: Inferred;
}

const NOTHING: Inferred = {
  outputs: new Map(),
  inputs: new Map(),
  edges: new Map(),
  lifted: new Set(),
};
export const useElements = create<Elements>(() => ({ nodes: [], edges: [], inferred: NOTHING }));

/** Where nodes are while someone here drags them, or while a layout is being shown. */
let moving: Readonly<Record<string, Point>> = {};
/** New sizes of notes while they are being resized. */
let sizing: Readonly<Record<string, { width: number; height: number }>> = {};
let specs: Specs = new Map();
/** What a screen reader calls nodes and edges. */
export interface Words {
  node: (node: FlowNode) => string;
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

function placeOf(id: string, own: Point): Point {
  return moving[id] ?? useMotion.getState().drags[id] ?? own;
}

let filledFor: readonly FlowEdge[] | null = null;
let filled = new Map<string, string>();

/** Names of the ports that have an edge, per node, as text, so that it compares by value. */
function filledPorts(edges: readonly FlowEdge[]): Map<string, string> {
  if (filledFor === edges) return filled;
  filledFor = edges;
  filled = new Map();
  for (const edge of edges) {
    filled.set(edge.target, `${filled.get(edge.target) ?? ""}<${edge.target_port}>`);
    filled.set(edge.source, `${filled.get(edge.source) ?? ""}{${edge.source_port}}`);
  }
  return filled;
}

function cardNode(node: FlowNode, filled: string, selected: boolean): CardNode {
  const old = previous.get(node.id) as CardNode | undefined;
  const { edges } = useGraph.getState();
  const shape = cardShape(node, specs, edges);
  const position = placeOf(node.id, node.position);
  const same =
    old?.data.node === node &&
    old.data.shape === shape &&
    old.data.filled === filled &&
    old.position.x === position.x &&
    old.position.y === position.y;
  if (same && old.selected === selected) return old;
  const kept = old?.data.node === node && old.data.shape === shape && old.data.filled === filled;
  return {
    id: node.id,
    type: "card",
    position,
    width: CARD_WIDTH,
    height: shape.height,
    measured: shape.measured,
    handles: shape.handles,
    data: kept ? old.data : { node, shape, filled },
    ariaLabel: words.node(node),
    selected,
    zIndex: 1,
  };
}

function noteNode(note: FlowNote, selected: boolean): NoteNode {
  const old = previous.get(note.id) as NoteNode | undefined;
  const position = placeOf(note.id, note.position);
  const { width, height } = sizing[note.id] ??
    note.size ?? { width: NOTE_WIDTH, height: NOTE_HEIGHT };
  const same =
    old?.data.note === note &&
    old.position.x === position.x &&
    old.position.y === position.y &&
    old.width === width &&
    old.height === height;
  if (same && old.selected === selected) return old;
  const data = old?.data.note === note ? old.data : { note };
  const measured = { width, height };
  return {
    id: note.id,
    type: "note",
    position,
    width,
    height,
    measured,
    data,
    selected,
    zIndex: 0,
  };
}

function refreshNodes(): void {
  const graph = useGraph.getState();
  const chosen = new Set(graph.selection);
  const filled = filledPorts(graph.edges);
  const nodes: CanvasNode[] = [];
  for (const note of Object.values(graph.notes)) nodes.push(noteNode(note, chosen.has(note.id)));
  for (const node of Object.values(graph.nodes)) {
    nodes.push(cardNode(node, filled.get(node.id) ?? "", chosen.has(node.id)));
  }
  previous = new Map(nodes.map((node) => [node.id, node]));
  const before = useElements.getState().nodes;
  if (nodes.length === before.length && nodes.every((node, i) => node === before[i])) return;
  useElements.setState({ nodes });
}

/** Follows the types again only when the wiring or a node's type changed. */
function refreshTypes(): Inferred {
  const { nodes, edges } = useGraph.getState();
  const types = Object.values(nodes)
    .map((n) => `${n.id}:${n.type}:${n.on_error ?? ""}`)
    .join();
  if (structure?.edges === edges && structure.types === types && structure.specs === specs) {
    return useElements.getState().inferred;
  }
  structure = { edges, types, specs };
  return infer(nodes, edges, specs);
}

function refreshEdges(): void {
  const graph = useGraph.getState();
  const inferred = refreshTypes();
  const chosen = new Set(graph.selectedEdges);
  const old = new Map(useElements.getState().edges.map((edge) => [edge.id, edge]));
  const edges = graph.edges.map((edge) => wireEdge(edge, inferred, chosen, old.get(edge.id)));
  useElements.setState({ edges, inferred });
}

function nameOf(id: string): string {
  const node = useGraph.getState().nodes[id];
  return node ? words.node(node) : id;
}

function wireEdge(
  edge: FlowEdge,
  inferred: Inferred,
  chosen: ReadonlySet<string>,
  old: WireEdge | undefined,
): WireEdge {
  const how = inferred.edges.get(edge.id) ?? "same";
  const source = previous.get(edge.source) as CardNode | undefined;
  const port = source?.data.shape?.outputs.find((p) => p.name === edge.source_port);
  const family = port?.family ?? "any";
  const selected = chosen.has(edge.id);
  const ariaLabel = words.edge(nameOf(edge.source), nameOf(edge.target));
  const same =
    old?.data?.how === how &&
    old.data.family === family &&
    old.selected === selected &&
    old.ariaLabel === ariaLabel;
  if (old && same) return old;
  return {
    id: edge.id,
    type: "wire",
    source: edge.source,
    sourceHandle: edge.source_port,
    target: edge.target,
    targetHandle: edge.target_port,
    data: { how, family },
    ariaLabel,
    selected,
    interactionWidth: 24,
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
      else if (now.selectedEdges !== was.selectedEdges) refreshEdges();
    }),
    useMotion.subscribe((now, was) => {
      if (JSON.stringify(now.drags) !== JSON.stringify(was.drags)) refreshNodes();
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
