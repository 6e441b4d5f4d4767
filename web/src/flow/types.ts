/** The shapes of a flow as the editor sees them; names follow the flow file format `weft/1`. */

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json };
export type JsonMap = Record<string, Json>;

export interface Point {
  x: number;
  y: number;
}

export interface Retry {
  max_attempts: number;
  delay_s: number;
  backoff: number;
  max_delay_s: number;
}

export type OnError = "fail" | "skip" | "continue" | "route";
export type Mode = "batch" | "streaming" | "event";

/** What a node takes of a machine while it works. */
export interface Resources {
  cpu: number;
  gpu: number;
  memory_mb?: number;
}

/** A node as a flow file holds it: what is absent has its default. */
export interface NodeData {
  type: string;
  name?: string;
  settings?: JsonMap;
  position?: Point;
  /** Of a container: the room it takes at least. */
  size?: { width: number; height: number };
  /** The container or frame it lies in; its place is on the canvas all the same. */
  parent?: string;
  disabled?: boolean;
  notes?: string;
  retry?: Retry;
  timeout_s?: number;
  on_error?: OnError;
  queue_capacity?: number;
  priority?: number;
  resources?: Resources;
  pinned?: Json;
  version?: number;
}

/** A node on the canvas: it knows its id and always has settings and a place. */
export interface FlowNode extends Omit<NodeData, "settings" | "position"> {
  id: string;
  settings: JsonMap;
  position: Point;
}

export interface EdgeEnds {
  source: string;
  source_port: string;
  target: string;
  target_port: string;
}

export interface FlowEdge extends EdgeEnds {
  id: string;
}

export interface NoteData {
  text: string;
  position: Point;
  size?: { width: number; height: number };
  color?: string;
}

export interface FlowNote extends NoteData {
  id: string;
}

export interface FlowInput {
  type?: string;
  default?: Json;
  description?: string;
}

/** The frozen reading of a document: a flow file. */
export interface Flow {
  format: "weft/1";
  name: string;
  description?: string;
  mode?: Mode;
  nodes: Record<string, NodeData>;
  edges: EdgeEnds[];
  inputs?: Record<string, FlowInput>;
  outputs?: string[];
  variables?: JsonMap;
  notes?: Record<string, NoteData>;
  env?: "local" | "processes" | "ray";
  parallelism?: number;
  restart?: Json;
  checkpoint?: Json;
}

export interface FlowMeta {
  name: string;
  description: string;
  mode: Mode;
  inputs: Record<string, FlowInput>;
  variables: JsonMap;
  outputs: string[];
  epoch: number;
}

/** What `read` had to hide or repair. */
export interface DocumentProblem {
  code: string;
  node?: string;
  edge?: string;
  path?: string;
}

/** The part of a node type's description the document side needs. */
export interface PortLike {
  name: string;
  type: string;
  required?: boolean;
  multiple?: boolean;
}

/** A port of a container that faces the nodes in it. */
export interface InnerPortLike extends PortLike {
  section?: string;
}

/** What a container offers to the nodes in it. */
export interface InsideLike {
  /** Where edges into it start. */
  outputs: InnerPortLike[];
  /** Where edges out of it end. */
  inputs: InnerPortLike[];
}

/** Says that a node has one output port for each entry of a list among its settings. */
export interface PortsFromLike {
  setting: string;
  key?: string;
  type?: string;
  also?: string[];
}

export interface SpecLike {
  type: string;
  name: string;
  category: string;
  version?: number | string;
  /** Whether it composes streams or works record by record. */
  works?: "process" | "build" | "container";
  inputs: PortLike[];
  outputs: PortLike[];
  inside?: InsideLike | null;
  ports_from?: PortsFromLike | null;
  /** When it gives single values where only such arrive; always, when no setting is named. */
  single_when?: { setting: string; value: string } | null;
  settings: SettingsLike;
}

/** The part of a settings schema that decides how a node is born. */
export interface SettingsLike {
  properties?: Record<string, { default?: unknown; "x-widget"?: string }>;
  required?: string[];
}

export type Role = "owner" | "editor" | "viewer";

/** A text to be put into the reader's language by the interface. */
export interface Label {
  key: string;
  count?: number;
  name?: string;
}

export const edgeId = (e: EdgeEnds): string =>
  `${e.source}.${e.source_port}>${e.target}.${e.target_port}`;
