/** The types that really flow through a wired graph, and what happens to records on each edge. */
import { order } from "./graph";
import {
  fits,
  type How,
  inner,
  isStream,
  isVariable,
  type PortType,
  parseType,
  streamOf,
} from "./ports";
import type { FlowEdge, FlowNode, PortLike, SpecLike } from "./types";

export type Specs = ReadonlyMap<string, SpecLike>;

export const ERROR_PORT = "error";

export interface Ports {
  inputs: PortLike[];
  outputs: PortLike[];
  /** False when the node's type is not in the catalogue. */
  known: boolean;
}

/** The ports of a node; those of an unknown type are guessed from its edges. */
export function portsOf(node: FlowNode, specs: Specs, edges: readonly FlowEdge[]): Ports {
  const spec = specs.get(node.type);
  if (!spec) return guessedPorts(node.id, edges);
  const routes = node.on_error === "route" && !spec.outputs.some((p) => p.name === ERROR_PORT);
  const failure = { name: ERROR_PORT, type: spec.works === "build" ? "Stream[Row]" : "Row" };
  const outputs = routes ? [...spec.outputs, failure] : spec.outputs;
  return { inputs: spec.inputs, outputs, known: true };
}

function guessedPorts(id: string, edges: readonly FlowEdge[]): Ports {
  const names = (side: "source" | "target") => {
    const found = edges.filter((e) => e[side] === id).map((e) => e[`${side}_port`]);
    return [...new Set(found)].sort().map((name) => ({ name, type: "Any" }));
  };
  return { inputs: names("target"), outputs: names("source"), known: false };
}

export interface Inferred {
  /** Output port (`node` + NUL + `port`) → the type that leaves it. */
  outputs: ReadonlyMap<string, PortType>;
  /** Input port (`node` + NUL + `port`) → the type that arrives at it. */
  inputs: ReadonlyMap<string, PortType>;
  /** Edge → what happens on the way; `""` when the types do not fit. */
  edges: ReadonlyMap<string, How>;
  /** Nodes that take one value and work on every record of a stream. */
  lifted: ReadonlySet<string>;
}

/** Key of a port in what was inferred. */
export const portId = (node: string, port: string): string => `${node}\u0000${port}`;

const ANY = parseType("Any");

/** Follows the types from the sources on. */
export function infer(
  nodes: Readonly<Record<string, FlowNode>>,
  edges: readonly FlowEdge[],
  specs: Specs,
): Inferred {
  const incoming = byTarget(edges);
  const outputs = new Map<string, PortType>();
  const inputs = new Map<string, PortType>();
  const hows = new Map<string, How>();
  const lifted = new Set<string>();
  for (const id of order(Object.keys(nodes), edges)) {
    const node = nodes[id];
    if (!node) continue;
    const ports = portsOf(node, specs, incoming.get(id) ?? []);
    const own = ports.known ? ports : portsOf(node, specs, edges);
    const arriving = arrivals(incoming.get(id) ?? [], own, outputs, hows);
    if (arriving.lifted) lifted.add(id);
    for (const [port, type] of arriving.given) inputs.set(portId(id, port), type);
    for (const port of own.outputs) {
      outputs.set(portId(id, port.name), leaving(parseType(port.type), arriving));
    }
  }
  return { outputs, inputs, edges: hows, lifted };
}

function byTarget(edges: readonly FlowEdge[]): Map<string, FlowEdge[]> {
  const incoming = new Map<string, FlowEdge[]>();
  for (const edge of edges) {
    const list = incoming.get(edge.target);
    if (list) list.push(edge);
    else incoming.set(edge.target, [edge]);
  }
  return incoming;
}

interface Arrivals {
  lifted: boolean;
  /** Input port → the type that arrives there. */
  given: Map<string, PortType>;
  /** What stands for each type variable. */
  bound: Map<string, PortType>;
}

function arrivals(
  edges: FlowEdge[],
  ports: Ports,
  outputs: ReadonlyMap<string, PortType>,
  hows: Map<string, How>,
): Arrivals {
  const found: Arrivals = { lifted: false, given: new Map(), bound: new Map() };
  for (const edge of edges) {
    const input = ports.inputs.find((p) => p.name === edge.target_port);
    const wanted = input ? parseType(input.type) : ANY;
    const given = outputs.get(portId(edge.source, edge.source_port)) ?? ANY;
    const { how } = fits(given, wanted);
    hows.set(edge.id, how);
    found.given.set(edge.target_port, given);
    if (how === "lift") found.lifted = true;
    const variable = variableIn(wanted);
    if (variable && !found.bound.has(variable)) found.bound.set(variable, unwrap(given, wanted));
  }
  return found;
}

function leaving(type: PortType, { lifted, bound }: Arrivals): PortType {
  const variable = variableIn(type);
  const value = variable ? bound.get(variable) : undefined;
  const filled = value ? substitute(type, value) : type;
  return lifted ? streamOf(filled) : filled;
}

function variableIn(type: PortType): string | null {
  if (type.item !== null) return variableIn(type.item);
  return isVariable(type) ? type.name : null;
}

/** What stands for the variable in `wanted` when it is fed with `given`. */
function unwrap(given: PortType, wanted: PortType): PortType {
  let want = isStream(wanted) ? inner(wanted) : wanted;
  let have = isStream(given) ? inner(given) : given;
  if (isStream(wanted) && !isStream(given) && have.name === "list") have = inner(have);
  while (want.item !== null) {
    if (have.name === want.name && have.item !== null) have = have.item;
    want = want.item;
  }
  return have;
}

function substitute(type: PortType, value: PortType): PortType {
  if (type.item === null) return isVariable(type) ? value : type;
  return { name: type.name, item: substitute(type.item, value) };
}
