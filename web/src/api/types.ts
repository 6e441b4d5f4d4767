/**
 * The shapes the server answers with. They are generated from its OpenAPI document; by hand stands
 * only what that document leaves open: JSON values, JSON Schema, and what travels by WebSocket.
 */
import type { components } from "./schema";

type Schemas = components["schemas"];
/** A generated type of which some fields are told more exactly. */
type Told<T, Fields> = Omit<T, keyof Fields> & Fields;

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };
export type JsonObject = { [key: string]: Json };

export type Role = Schemas["Role"];
export type Language = NonNullable<Schemas["ProfileBody"]["language"]>;

// Accounts ---------------------------------------------------------------------------------

export type Session = Schemas["SessionInfo"];
export type SetupBody = Schemas["SetupBody"];
export type SignInBody = Schemas["SignInBody"];
export type AcceptBody = Schemas["AcceptBody"];
export type ProfileBody = Schemas["ProfileBody"];
export type PasswordBody = Schemas["PasswordBody"];

export type Workspace = Schemas["WorkspaceInfo"];
export type WorkspaceBody = Schemas["WorkspaceBody"];
export type Member = Schemas["MemberInfo"];
export type Members = Schemas["MemberList"];
export type MemberBody = Schemas["MemberBody"];
export type MemberAdded = Schemas["MemberAdded"];
export type RoleBody = Schemas["RoleBody"];
export type Invitation = Schemas["InvitationInfo"];
export type InvitationLook = Schemas["InvitationLook"];
export type InvitationTokenBody = Schemas["InvitationTokenBody"];

export type ApiKey = Schemas["KeyInfo"];
export type ApiKeys = Schemas["KeyList"];
export type NewApiKey = Schemas["NewKey"];
export type KeyBody = Schemas["KeyBody"];

export type FileInfo = Schemas["FileInfo"];
export type FileList = Schemas["FileList"];

// Flows ------------------------------------------------------------------------------------

export type FlowPreview = Schemas["Preview"];
export type LastRun = Told<Schemas["LastRun"], { state: RunState }>;
export type FlowInfo = Told<Schemas["FlowInfo"], { last_run?: LastRun | null }>;
export type FlowList = Told<Schemas["FlowList"], { items: FlowInfo[] }>;
export type FlowChange = Schemas["FlowChange"];
export type CopyFlow = Schemas["CopyFlow"];

/** A flow file in the format `weft/1`. */
export interface FlowFile {
  format: "weft/1";
  name: string;
  nodes: Record<string, JsonObject>;
  edges: { source: string; source_port: string; target: string; target_port: string }[];
  [key: string]: unknown;
}

export type Op = { op: string } & JsonObject;
export type Patch = Told<Partial<Schemas["Patch"]>, { ops: Op[] }>;

export interface Fix {
  /** The kind of fix, to say it in another language. */
  code?: string;
  title: string;
  params?: JsonObject;
  patch: Patch;
}

export type Severity = "error" | "warning" | "info";

export interface Problem {
  code: string;
  severity: Severity;
  message: string;
  hint?: string;
  node?: string | null;
  port?: string | null;
  edge?: string | null;
  /** The setting it is about, as keys and indexes or as dotted text. */
  path?: (string | number)[] | string | null;
  params?: JsonObject;
  fixes?: Fix[];
}

export type CheckResult = Told<Schemas["CheckReport"], { problems: Problem[] }>;

// Catalogue --------------------------------------------------------------------------------

export interface JsonSchema {
  type?: string | string[];
  title?: string;
  description?: string;
  default?: Json;
  enum?: Json[];
  const?: Json;
  format?: string;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  multipleOf?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  additionalProperties?: boolean | JsonSchema;
  anyOf?: JsonSchema[];
  oneOf?: JsonSchema[];
  allOf?: JsonSchema[];
  examples?: Json[];
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  "x-widget"?: string;
  "x-unit"?: string;
  "x-placeholder"?: string;
  "x-visible-if"?: Record<string, Json>;
  "x-labels"?: Record<string, string>;
}

export type Category =
  | "source"
  | "process"
  | "ai"
  | "control"
  | "output"
  | "store"
  | "trigger"
  | "util";

/** The texts of a node type in a language besides English. */
export interface SpecTexts {
  title?: string;
  summary?: string;
  description?: string;
  subtitle?: string;
  settings?: Record<string, string | [string, string] | { title?: string; description?: string }>;
  ports?: Record<string, string>;
}

/** What the document says of these types is not what is sent: ports are typed by a text. */
export type PortSpec = Told<Partial<Schemas["Port"]>, { name: string; type: string }>;

/** A port of a container that faces the nodes in it. */
export type InnerPortSpec = PortSpec & { section?: string };

export type NodeSpec = Told<
  Pick<Schemas["NodeSpec"], "type" | "name" | "description" | "icon" | "version"> &
    Partial<Omit<Schemas["NodeSpec"], "executor" | "traits">>,
  {
    category: Category;
    inputs: PortSpec[];
    outputs: PortSpec[];
    /** Of a container: what it offers to the nodes in it. */
    inside?: { outputs: InnerPortSpec[]; inputs: InnerPortSpec[] } | null;
    /** One output port for each entry of a list among the settings. */
    ports_from?: { setting: string; key?: string; type?: string; also?: string[] } | null;
    settings: JsonSchema;
    i18n?: { zh?: SpecTexts };
  }
>;

// Runs -------------------------------------------------------------------------------------

export type RunState = Schemas["RunInfo"]["state"];
export type NodeState = Schemas["NodeRunInfo"]["state"];
export type StartRun = Partial<Schemas["StartRun"]>;
export type Environment = NonNullable<Schemas["StartRun"]["env"]>;
export type Person = Schemas["RunPerson"];
export type RunBreakpoint = Pick<Schemas["BreakpointInfo"], "node"> &
  Partial<Schemas["BreakpointInfo"]>;
export type RunTrigger = Schemas["RunTrigger"];
export type StepKind = Schemas["StepRun"]["kind"];
export type StopInfo = Schemas["StopInfo"];
export type WaitInfo = Schemas["WaitInfo"];
export type LogLevel = "debug" | "info" | "warning" | "error";

export interface Failure {
  code: string;
  message: string;
  hint?: string;
  params?: JsonObject;
  node?: string | null;
  scope?: string | null;
  attempt?: number;
  chain?: { type: string; message: string; errno?: number | null; status?: number | null }[];
  sample?: Json;
}

type Fails = { failure?: Failure | null };

export type RunNodeInfo = Told<Schemas["NodeRunInfo"], Fails>;
export type RunInfo = Told<Schemas["RunInfo"], Fails & { nodes?: Record<string, RunNodeInfo> }>;
/** What another attempt of a run takes over, and what it does again. */
export type AgainPlan = Schemas["AgainPlan"];
export type RunPage = Told<Schemas["RunPage"], { items: RunInfo[] }>;

export type LiveInfo = Schemas["LiveInfo"];
export type LiveNodeInfo = Schemas["LiveNodeInfo"];
export type CheckpointInfo = Schemas["CheckpointInfo"];
export type RunCheckpoints = Schemas["RunCheckpoints"];

export type PortData = Told<Schemas["PortPage"], { records?: Json[] | null; value?: Json }>;
export type RunNodeDetail = Told<
  Schemas["NodeRunData"],
  Fails & { outputs: Record<string, PortData>; inputs: Record<string, PortData> }
>;

export type ActivationInfo = Told<Schemas["ActivationInfo"], Fails>;
export type ActivationPage = Told<Schemas["ActivationPage"], { items: ActivationInfo[] }>;

/** One event of a run, as it is sent over `/ws/runs/{id}`. */
export interface RunEvent {
  seq: number;
  at: string;
  type: string;
  run: string;
  node?: string | null;
  [key: string]: unknown;
}

/** An event of the workspace: a flow changed, or a run was created or changed its state. */
export interface WorkspaceEvent {
  seq: number;
  at: string;
  type: string;
  flow?: string;
  run?: string;
  number?: number;
  state?: RunState;
  ended_at?: string | null;
  [key: string]: unknown;
}
