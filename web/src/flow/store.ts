/** What the interface subscribes to: the graph of the open flow, and the state of its session. */
import { create } from "zustand";
import type { DocumentProblem, FlowEdge, FlowMeta, FlowNode, FlowNote, Label, Role } from "./types";

export interface Graph {
  nodes: Record<string, FlowNode>;
  edges: FlowEdge[];
  notes: Record<string, FlowNote>;
  /** What `read` had to hide. */
  problems: DocumentProblem[];
  meta: FlowMeta;
  /** Ids of selected nodes and notes. */
  selection: string[];
  selectedEdges: string[];
  /** True once the server's document has arrived. */
  ready: boolean;
}

export const NO_META: FlowMeta = {
  name: "",
  description: "",
  mode: "batch",
  inputs: {},
  variables: {},
  outputs: [],
  epoch: 0,
};

export const EMPTY_GRAPH: Graph = {
  nodes: {},
  edges: [],
  notes: {},
  problems: [],
  meta: NO_META,
  selection: [],
  selectedEdges: [],
  ready: false,
};

export const useGraph = create<Graph>(() => EMPTY_GRAPH);

export type Status = "connecting" | "connected" | "offline";
export type Saved = "saved" | "saving" | "offline";

/** Why the server ended the session for good, or made it wait. */
export type Closed = "signed_out" | "no_access" | "not_found" | "reload" | "too_fast" | "rejected";

export interface SessionState {
  flowId: string;
  role: Role;
  status: Status;
  saved: Saved;
  /** Own edits the server has not yet on disk. */
  pendingEdits: number;
  closed: Closed | null;
  /** Code of the refusal when the server dropped, or cannot store, an own write. */
  refused: string | null;
  undoLabel: Label | null;
  redoLabel: Label | null;
  /** An older run is looked at: nothing is edited meanwhile. */
  looking: boolean;
}

export const NO_SESSION: SessionState = {
  flowId: "",
  role: "viewer",
  status: "connecting",
  saved: "saved",
  pendingEdits: 0,
  closed: null,
  refused: null,
  undoLabel: null,
  redoLabel: null,
  looking: false,
};

export const useSession = create<SessionState>(() => NO_SESSION);

/** The code of a refusal after which no edit of this page will be taken. */
export const FORBIDDEN = "auth.forbidden";

export const canEdit = (s: SessionState): boolean =>
  s.role !== "viewer" &&
  !s.looking &&
  (s.closed === null || s.closed === "too_fast") &&
  s.refused !== FORBIDDEN;

export function setSelection(nodes: string[], edges: string[] = []): void {
  const now = useGraph.getState();
  if (same(now.selection, nodes) && same(now.selectedEdges, edges)) return;
  useGraph.setState({ selection: nodes, selectedEdges: edges });
}

const same = (a: readonly string[], b: readonly string[]): boolean =>
  a.length === b.length && a.every((id, i) => id === b[i]);
