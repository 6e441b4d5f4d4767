/** Whether two ports may be wired, and why not. */
import { ancestors, descendants } from "./graph";
import { type Inferred, infer, portId, portsOf, type Specs } from "./infer";
import { type Fit, fits, type Misfit, type PortType, parseType, typeText } from "./ports";
import type { EdgeEnds, FlowEdge, FlowNode, PortLike, SpecLike } from "./types";

/** Why a connection is refused; the interface has the words. */
export type Refusal = "type" | "cycle" | "self" | "exists" | "port";

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
}

/** What can be known once for all connections from one port. */
export interface Before {
  inferred: Inferred;
  closes: (ends: EdgeEnds) => boolean;
}

/** Looks ahead for connections that begin at this node, drawn from an output or from an input. */
export function before(wires: Wires, node: string, side: "source" | "target"): Before {
  const inferred = infer(wires.nodes, wires.edges, wires.specs);
  if (side === "source") {
    const leading = ancestors(wires.edges, node);
    return { inferred, closes: (ends) => leading.has(ends.target) };
  }
  const following = descendants(wires.edges, node);
  return { inferred, closes: (ends) => following.has(ends.source) };
}

const no = (refusal: Refusal, types: Partial<Verdict> = {}): Verdict => ({
  ok: false,
  how: "",
  refusal,
  misfit: "",
  replaces: null,
  ...types,
});

/** Judges a connection. `known` holds what was computed once for all from the same source. */
export function judge(ends: EdgeEnds, wires: Wires, known?: Before): Verdict {
  const { nodes, edges, specs } = wires;
  const source = nodes[ends.source];
  const target = nodes[ends.target];
  if (!source || !target) return no("port");
  if (ends.source === ends.target) return no("self");
  const output = named(portsOf(source, specs, edges).outputs, ends.source_port);
  const input = named(portsOf(target, specs, edges).inputs, ends.target_port);
  if (!output || !input) return no("port");
  const into = edges.filter((e) => e.target === ends.target && e.target_port === ends.target_port);
  if (into.some((e) => e.source === ends.source && e.source_port === ends.source_port)) {
    return no("exists");
  }
  const { inferred, closes } = known ?? before(wires, ends.source, "source");
  if (closes(ends)) return no("cycle");
  const type = inferred.outputs.get(portId(ends.source, output.name)) ?? parseType(output.type);
  const fit = fits(type, input.type);
  const types = { output: typeText(type), input: input.type, misfit: fit.reason };
  if (!fit.ok) return no("type", types);
  const replaces = input.multiple ? null : (into[0]?.id ?? null);
  return { ok: true, how: fit.how, refusal: null, replaces, ...types };
}

const named = (ports: PortLike[], name: string) => ports.find((p) => p.name === name);

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

/** The type at a port, with type variables filled in and lifting taken into account. */
export function typeAt(
  wires: Wires,
  node: string,
  port: string,
  side: "source" | "target",
): PortType {
  const at = wires.nodes[node];
  if (!at) return parseType("Any");
  const ports = portsOf(at, wires.specs, wires.edges);
  if (side === "target") return parseType(named(ports.inputs, port)?.type ?? "Any");
  const inferred = infer(wires.nodes, wires.edges, wires.specs);
  return inferred.outputs.get(portId(node, port)) ?? parseType("Any");
}
