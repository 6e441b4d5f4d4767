/** What the quick-add window offers: new nodes that fit, and nodes of the flow that fit. */
import type { NodeSpec } from "@/api/types";
import { addNode, connect, insertInto } from "@/flow/commands";
import { type Ports, portsOf } from "@/flow/infer";
import { handlesOf as handlesOfEdge, innerId } from "@/flow/nesting";
import type { PortType } from "@/flow/ports";
import { aroundNow, boxOf } from "@/flow/scene";
import { useGraph } from "@/flow/store";
import { firstFit, judge, typeAt, type Wires } from "@/flow/wiring";
import type { PortRef, QuickAddRequest } from "../state";
import { centre, reveal, roomNow } from "../view";

export interface NewNode {
  kind: "new";
  spec: NodeSpec;
  /** Port to be wired: the input (or output) of the new node; two when it goes into an edge. */
  ports: string[];
}

export interface OldNode {
  kind: "old";
  node: string;
  port: string;
}

type Specs = ReadonlyMap<string, NodeSpec>;

/** What a new node must take and give, from what it is asked for. */
interface Wanted {
  takes?: PortType;
  gives?: PortType;
}

function wantedBy(request: QuickAddRequest, wires: Wires): Wanted {
  const { from, into } = request;
  if (from) {
    const type = typeAt(wires, from.node, from.port, from.side);
    return from.side === "source" ? { takes: type } : { gives: type };
  }
  const edge = wires.edges.find((e) => e.id === into);
  if (!edge) return {};
  const handles = handlesOfEdge(edge, aroundNow());
  return {
    takes: typeAt(wires, edge.source, handles.source, "source"),
    gives: typeAt(wires, edge.target, handles.target, "target"),
  };
}

function fitting(spec: NodeSpec, wanted: Wanted): string[] | null {
  const ports: string[] = [];
  if (wanted.takes) {
    const port = firstFit(spec, { side: "source", type: wanted.takes });
    if (!port) return null;
    ports.push(port);
  }
  if (wanted.gives) {
    const port = firstFit(spec, { side: "target", type: wanted.gives });
    if (!port) return null;
    ports.push(port);
  }
  return ports;
}

/** The types that can stand where the request asks for one. */
export function newNodes(request: QuickAddRequest, specs: Specs): NewNode[] {
  const { nodes, edges, meta } = useGraph.getState();
  const wanted = wantedBy(request, { nodes, edges, specs, mode: meta.mode });
  const found: NewNode[] = [];
  for (const spec of specs.values()) {
    const ports = fitting(spec, wanted);
    if (ports) found.push({ kind: "new", spec, ports });
  }
  return found;
}

/** Nodes of this flow that the port could be connected to. */
export function oldNodes(from: PortRef, specs: Specs): OldNode[] {
  const { nodes, edges, meta } = useGraph.getState();
  const wires: Wires = { nodes, edges, specs, mode: meta.mode };
  const found: OldNode[] = [];
  for (const node of Object.values(nodes)) {
    const port = handlesOf(portsOf(node, specs, edges), from.side).find((handle) => {
      const verdict = judge(endsOf(from, node.id, handle), wires);
      return verdict.ok && verdict.replaces === null;
    });
    if (port) found.push({ kind: "old", node: node.id, port });
  }
  return found;
}

/** The handles that a connection from this side could end at. */
function handlesOf(ports: Ports, from: PortRef["side"]): string[] {
  const side = from === "source" ? "inputs" : "outputs";
  const inner = ports.inside?.[side] ?? [];
  return [...ports[side].map((p) => p.name), ...inner.map((p) => innerId(p.name))];
}

function endsOf(from: PortRef, node: string, port: string) {
  return from.side === "source"
    ? { source: from.node, source_port: from.port, target: node, target_port: port }
    : { source: node, source_port: port, target: from.node, target_port: from.port };
}

/** Does what was chosen, as one undo step. */
export function choose(request: QuickAddRequest, option: NewNode | OldNode): void {
  const { from, into, place } = request;
  if (option.kind === "old") {
    if (from) connect(endsOf(from, option.node, option.port));
    return;
  }
  const [first, second] = option.ports;
  const { type } = option.spec;
  if (into && first && second) insertInto(into, type, place, [first, second]);
  else if (from && first) addNode(type, place, { from, port: first });
  else addNode(type, place, { room: roomNow() });
  revealAdded();
}

/** Adds a node where there is room for it in the middle of what is seen. */
export function addHere(type: string): void {
  if (addNode(type, centre(), { room: roomNow() }) !== undefined) revealAdded();
}

function revealAdded(): void {
  const added = boxOf(useGraph.getState().selection[0] ?? "");
  if (added) reveal(added);
}
