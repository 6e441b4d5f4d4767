/** The types that really flow through a wired graph, and what happens to records on each edge. */
import { outputsOf } from "./dynamicPorts";
import { order } from "./graph";
import {
  type Around,
  aroundOf,
  handlesOf,
  innerEnd,
  innerId,
  isInner,
  levelEdges,
  portName,
} from "./nesting";
import {
  common,
  fits,
  type How,
  inner,
  isStream,
  isVariable,
  listOf,
  type PortType,
  parseType,
  streamOf,
} from "./ports";
import type { FlowEdge, FlowNode, InsideLike, JsonMap, Mode, PortLike, SpecLike } from "./types";

export type Specs = ReadonlyMap<string, SpecLike>;

export const ERROR_PORT = "error";

export interface Ports {
  inputs: PortLike[];
  outputs: PortLike[];
  /** Of a container: the ports that face inwards. */
  inside?: InsideLike;
  /** False when the node's type is not in the catalogue. */
  known: boolean;
}

/** The ports of a node; those of an unknown type are guessed from its edges. */
export function portsOf(node: FlowNode, specs: Specs, edges: readonly FlowEdge[]): Ports {
  const spec = specs.get(node.type);
  if (!spec) return guessedPorts(node.id, edges);
  const own = outputsOf(spec, node.settings);
  const routes = node.on_error === "route" && !own.some((p) => p.name === ERROR_PORT);
  const failure = { name: ERROR_PORT, type: spec.works === "build" ? "Stream[Row]" : "Row" };
  const outputs = routes ? [...own, failure] : own;
  const ports: Ports = { inputs: spec.inputs, outputs, known: true };
  return spec.inside ? { ...ports, inside: spec.inside } : ports;
}

/** A port by its handle: one that faces inwards has a mark before its name. */
export function portAt(
  ports: Ports,
  handle: string,
  side: "source" | "target",
): PortLike | undefined {
  const from = isInner(handle) ? ports.inside : ports;
  const list = side === "source" ? from?.outputs : from?.inputs;
  return list?.find((port) => port.name === portName(handle));
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

/** Key of a port in what was inferred; the port is told by its handle. */
export const portId = (node: string, port: string): string => `${node}\u0000${port}`;

const ANY = parseType("Any");

/**
 * Follows the types from the sources on, through containers: what lies in one has its turn there.
 * In `streaming` mode the events of a trigger are the records of a stream.
 */
export function infer(
  nodes: Readonly<Record<string, FlowNode>>,
  edges: readonly FlowEdge[],
  specs: Specs,
  mode: Mode = "batch",
): Inferred {
  return new Inference(nodes, edges, specs, mode).run();
}

class Inference {
  private readonly around: Around;
  private readonly incoming: Map<string, FlowEdge[]>;
  private readonly outputs = new Map<string, PortType>();
  private readonly inputs = new Map<string, PortType>();
  private readonly hows = new Map<string, How>();
  private readonly lifted = new Set<string>();
  private readonly members = new Map<string | undefined, string[]>();

  constructor(
    private readonly nodes: Readonly<Record<string, FlowNode>>,
    private readonly edges: readonly FlowEdge[],
    private readonly specs: Specs,
    private readonly mode: Mode,
  ) {
    this.around = aroundOf(nodes, specs);
    this.incoming = byTarget(edges);
    for (const id of order(Object.keys(nodes), levelEdges(edges, this.around))) {
      const at = this.around.get(id);
      const list = this.members.get(at);
      if (list) list.push(id);
      else this.members.set(at, [id]);
    }
  }

  run(): Inferred {
    this.scope(undefined);
    const { outputs, inputs, hows: edges, lifted } = this;
    return { outputs, inputs, edges, lifted };
  }

  private scope(container: string | undefined): void {
    for (const id of this.members.get(container) ?? []) {
      const node = this.nodes[id];
      if (node) this.node(node);
    }
  }

  private node(node: FlowNode): void {
    const { id } = node;
    const into = this.incoming.get(id) ?? [];
    const known = this.specs.has(node.type);
    const ports = portsOf(node, this.specs, known ? into : this.edges);
    const found = arrivals();
    const own = ports.inside ? into.filter((e) => innerEnd(e, this.around) !== "target") : into;
    this.arrive(found, own, ports.inputs);
    if (found.lifted) this.lifted.add(id);
    for (const [port, type] of found.given) this.inputs.set(portId(id, port), type);
    if (ports.inside) this.inside(id, ports.inside, found, into);
    const single = onlySingle(found) && mayBeSingle(this.specs.get(node.type), node.settings);
    const left = { lifted: found.lifted || this.events(node), bound: found.bound };
    for (const port of ports.outputs) {
      const type = leaving(parseType(port.type), left);
      const alone = single && port.name !== ERROR_PORT && isStream(type);
      this.outputs.set(portId(id, port.name), alone ? inner(type) : type);
    }
  }

  /** Whether it is a trigger of a live stream: its events are the records of one. */
  private events(node: FlowNode): boolean {
    return this.mode === "streaming" && this.specs.get(node.type)?.category === "trigger";
  }

  /** What lies in a container works on values; what it leads back decides the outputs. */
  private inside(id: string, inside: InsideLike, found: Arrivals, into: FlowEdge[]): void {
    const values = { ...found, lifted: false };
    for (const port of inside.outputs) {
      const type = leaving(parseType(port.type), values);
      this.outputs.set(portId(id, innerId(port.name)), type);
    }
    this.scope(id);
    const exits = arrivals(found.bound);
    const back = into.filter((e) => innerEnd(e, this.around) === "target");
    this.arrive(exits, back, inside.inputs, true);
    for (const [port, type] of exits.given) this.inputs.set(portId(id, innerId(port)), type);
  }

  /** `collected`: a stream is gathered into a list on the way. */
  private arrive(
    found: Arrivals,
    edges: FlowEdge[],
    inputs: readonly PortLike[],
    collected = false,
  ): void {
    for (const edge of edges) {
      const input = inputs.find((p) => p.name === edge.target_port);
      const wanted = input ? parseType(input.type) : ANY;
      const handles = handlesOf(edge, this.around);
      const sent = this.outputs.get(portId(edge.source, handles.source)) ?? ANY;
      const gathers = collected && isStream(sent);
      const given = gathers ? listOf(inner(sent)) : sent;
      const { ok, how } = fits(given, wanted);
      this.hows.set(edge.id, gathers && ok ? "collect" : how);
      found.given.set(edge.target_port, given);
      if (how === "lift") found.lifted = true;
      found.hows.add(how);
      if (ok) bind(found.bound, wanted, given);
    }
  }
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
  /** What happens on the ways to it. */
  hows: Set<How>;
  /** Input port → the type that arrives there. */
  given: Map<string, PortType>;
  /** What stands for each type variable. */
  bound: Map<string, PortType>;
}

const arrivals = (bound: Map<string, PortType> = new Map()): Arrivals => ({
  lifted: false,
  hows: new Set(),
  given: new Map(),
  bound,
});

/** Whether single values arrive where streams are taken, and nothing else. */
const onlySingle = ({ hows }: Arrivals): boolean => hows.size === 1 && hows.has("single");

/** Whether a node of these settings gives single values where only such arrive. */
function mayBeSingle(spec: SpecLike | undefined, settings: JsonMap): boolean {
  const rule = spec?.single_when;
  if (!rule) return false;
  if (!rule.setting) return true;
  const fallback = spec?.settings.properties?.[rule.setting]?.default;
  return (rule.setting in settings ? settings[rule.setting] : fallback) === rule.value;
}

function leaving(type: PortType, { lifted, bound }: Pick<Arrivals, "lifted" | "bound">): PortType {
  const variable = variableIn(type);
  const value = variable ? bound.get(variable) : undefined;
  const filled = value ? substitute(type, value) : type;
  return lifted ? streamOf(filled) : filled;
}

/** Notes what the variable in a type stands for; of several, what takes them all. */
function bind(bound: Map<string, PortType>, wanted: PortType, given: PortType): void {
  const variable = variableIn(wanted);
  if (!variable) return;
  const known = bound.get(variable);
  const type = unwrap(given, wanted);
  bound.set(variable, known ? common(known, type) : type);
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
