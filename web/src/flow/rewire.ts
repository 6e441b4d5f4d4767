/** What becomes of edges when nodes go into a container or come out of one. */

import { type Around, aroundOf, chainOf, handlesOf, innerEnd, innerId, misplaced } from "./nesting";
import { parseType } from "./ports";
import { BODY } from "./sections";
import type { EdgeEnds, FlowEdge, FlowNode, InnerPortLike, PortLike, SpecLike } from "./types";
import { filling } from "./wiring";

type Specs = ReadonlyMap<string, SpecLike>;
type Nodes = Readonly<Record<string, FlowNode>>;

/** The edges that have no place any more once nodes lie elsewhere, or that would mean another. */
export function lostEdges(edges: readonly FlowEdge[], before: Around, after: Around): FlowEdge[] {
  return edges.filter((edge) => {
    if (innerEnd(edge, before) !== innerEnd(edge, after)) return true;
    const handles = handlesOf(edge, after);
    return misplaced(edge, handles, after) !== null && misplaced(edge, handles, before) === null;
  });
}

/** The nodes as they would be with other parents. */
export function withParents(
  nodes: Nodes,
  parents: ReadonlyMap<string, string | null>,
): Record<string, FlowNode> {
  const found: Record<string, FlowNode> = { ...nodes };
  for (const [id, parent] of parents) {
    const node = nodes[id];
    if (!node) continue;
    const { parent: _, ...rest } = node;
    found[id] = parent === null ? rest : { ...rest, parent };
  }
  return found;
}

const variable = (type: string): string => {
  let at = parseType(type);
  while (at.item !== null) at = at.item;
  return at.name;
};

const twin = <P extends PortLike>(ports: readonly P[], type: string): P | undefined =>
  ports.find((port) => variable(port.type) === variable(type));

const ofSection = (section: string) => (port: InnerPortLike) => (port.section ?? BODY) === section;

/** The ways through a container: in by an outer input and an inner output, and out again. */
export interface Ways {
  in: { outer: string; inner: string } | null;
  out: { inner: string; outer: string; multiple: boolean }[];
}

export function waysThrough(spec: SpecLike | undefined, section = BODY): Ways {
  const inside = spec?.inside;
  if (!spec || !inside) return { in: null, out: [] };
  const first = spec.inputs[0];
  const given = inside.outputs.filter(ofSection(section));
  const inner = (first && twin(given, first.type)) ?? given[0];
  const out = inside.inputs.filter(ofSection(section)).flatMap((port) => {
    const outer = twin(spec.outputs, port.type);
    return outer ? [{ inner: port.name, outer: outer.name, multiple: port.multiple === true }] : [];
  });
  return { in: first && inner ? { outer: first.name, inner: inner.name } : null, out };
}

/** The edges that lead an output out of its container, to what it fed before; `null` if none do. */
export function wayOut(
  lost: EdgeEnds,
  nodes: Nodes,
  edges: readonly FlowEdge[],
  specs: Specs,
): EdgeEnds[] | null {
  const around = aroundOf(nodes, specs);
  const container = around.get(lost.source);
  if (container === undefined || chainOf(lost.target, around).includes(container)) return null;
  const { out } = waysThrough(specs.get(nodes[container]?.type ?? ""));
  for (const { inner, outer, multiple } of out) {
    const into = filling(
      { ...lost, target: container, target_port: innerId(inner) },
      edges,
      around,
    );
    const mine = into.some((e) => e.source === lost.source && e.source_port === lost.source_port);
    if (into.length > 0 && !multiple && !mine) continue;
    const exit = { ...lost, target: container, target_port: inner };
    const on = { ...lost, source: container, source_port: outer };
    if (misplaced(on, { source: outer, target: lost.target_port }, around) !== null) return null;
    return mine ? [on] : [exit, on];
  }
  return null;
}
