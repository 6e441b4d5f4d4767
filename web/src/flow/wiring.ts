/** Whether two ports may be wired, and why not. */
import { ancestors, descendants } from "./graph";
import { type Inferred, infer, portAt, portId, portsOf, type Specs } from "./infer";
import {
  type Around,
  aroundOf,
  chainOf,
  innerEnd,
  isInner,
  levelEdges,
  type Misplaced,
  misplaced,
  part,
  portName,
} from "./nesting";
import { type Fit, fits, type Misfit, type PortType, parseType, typeText } from "./ports";
import {
  type EdgeEnds,
  edgeId,
  type FlowEdge,
  type FlowNode,
  type Mode,
  type SpecLike,
} from "./types";

/** Why a connection is refused; the interface has the words. */
export type Refusal = "type" | "cycle" | "self" | "exists" | "port" | Misplaced;

export interface Verdict {
  ok: boolean;
  how: Fit["how"];
  refusal: Refusal | null;
  /** For a refusal because of the types: in which way they do not fit. */
  misfit: Misfit;
  /** Edge that the new one would replace, because the input takes only one. */
  replaces: string | null;
  output?: string;
  input?: string;
}

/** The flow as a connection sees it while it is being drawn. */
export interface Wires {
  nodes: Readonly<Record<string, FlowNode>>;
  edges: readonly FlowEdge[];
  specs: Specs;
  mode: Mode;
}

/** What can be known once for all connections from one port. */
export interface Before {
  inferred: Inferred;
  around: Around;
  closes: (ends: EdgeEnds) => boolean;
}

/** The ends of a connection by their handles: ports that face inwards have a mark. */
export type HandleEnds = EdgeEnds;

/** The edge of the document that a connection between two handles makes. */
export const edgeOf = (ends: HandleEnds): EdgeEnds => ({
  ...ends,
  source_port: portName(ends.source_port),
  target_port: portName(ends.target_port),
});

/** Looks ahead for connections that begin at this node, drawn from an output or from an input. */
export function before(wires: Wires, node: string, side: "source" | "target"): Before {
  const inferred = infer(wires.nodes, wires.edges, wires.specs, wires.mode);
  const around = aroundOf(wires.nodes, wires.specs);
  const edges = levelEdges(wires.edges, around);
  const known = new Map<string, Set<string>>();
  const seen = (at: string): Set<string> => {
    const found = known.get(at) ?? (side === "source" ? ancestors : descendants)(edges, at);
    known.set(at, found);
    return found;
  };
  const here = chainOf(node, around);
  const closes = (ends: EdgeEnds): boolean => {
    const other = chainOf(side === "source" ? ends.target : ends.source, around);
    const ways = part(here, other);
    return ways !== null && seen(ways[0]).has(ways[1]);
  };
  return { inferred, around, closes };
}

const no = (refusal: Refusal, types: Partial<Verdict> = {}): Verdict => ({
  ok: false,
  how: "",
  refusal,
  misfit: "",
  replaces: null,
  ...types,
});

/**
 * Judges a connection between two handles. `known` holds what was computed once for all from the
 * same source.
 */
export function judge(ends: HandleEnds, wires: Wires, known?: Before): Verdict {
  const { nodes, edges, specs } = wires;
  const source = nodes[ends.source];
  const target = nodes[ends.target];
  if (!source || !target) return no("port");
  if (ends.source === ends.target) return no("self");
  const output = portAt(portsOf(source, specs, edges), ends.source_port, "source");
  const input = portAt(portsOf(target, specs, edges), ends.target_port, "target");
  if (!output || !input) return no("port");
  const { inferred, around, closes } = known ?? before(wires, ends.source, "source");
  const handles = { source: ends.source_port, target: ends.target_port };
  const wrong = misplaced(ends, handles, around);
  if (wrong) return no(wrong);
  const into = filling(ends, edges, around);
  if (into.some((e) => e.id === edgeId(edgeOf(ends)))) return no("exists");
  if (closes(ends)) return no("cycle");
  const type = inferred.outputs.get(portId(ends.source, handles.source)) ?? parseType(output.type);
  const fit = fits(type, input.type);
  const types = { output: typeText(type), input: input.type, misfit: fit.reason };
  if (!fit.ok) return no("type", types);
  const replaces = input.multiple ? null : (into[0]?.id ?? null);
  return { ok: true, how: fit.how, refusal: null, replaces, ...types };
}

/** The edges that end where this one would: at the same port, from the same side of it. */
export function filling<E extends EdgeEnds>(
  { target, target_port }: HandleEnds,
  edges: readonly E[],
  around: Around,
): E[] {
  const port = portName(target_port);
  return edges.filter(
    (e) =>
      e.target === target &&
      e.target_port === port &&
      (innerEnd(e, around) === "target") === isInner(target_port),
  );
}

/** The port of a type that takes this output, or feeds this input; `null` when none does. */
export function firstFit(
  spec: Pick<SpecLike, "inputs" | "outputs">,
  end: { side: "source" | "target"; type: string | PortType },
): string | null {
  if (end.side === "source") {
    const taking = spec.inputs.filter((p) => fits(end.type, p.type).ok);
    const required = taking.find((p) => p.required !== false);
    return (required ?? taking[0])?.name ?? null;
  }
  return spec.outputs.find((p) => fits(p.type, end.type).ok)?.name ?? null;
}

/** The type at a port, told by its handle, with type variables filled in and lifting taken into account. */
export function typeAt(
  wires: Wires,
  node: string,
  port: string,
  side: "source" | "target",
): PortType {
  const at = wires.nodes[node];
  if (!at) return parseType("Any");
  const ports = portsOf(at, wires.specs, wires.edges);
  if (side === "target") return parseType(portAt(ports, port, side)?.type ?? "Any");
  const inferred = infer(wires.nodes, wires.edges, wires.specs, wires.mode);
  return inferred.outputs.get(portId(node, port)) ?? parseType("Any");
}
