/** Putting nodes into containers and taking them out; each command is one undo step. */
import { writeEdge } from "./commands";
import { frameAround, headHeight } from "./frames";
import { newId } from "./ids";
import { aroundOf, contentsOf, handlesOf, innerId, outermost } from "./nesting";
import { lostEdges, wayOut, waysThrough, withParents } from "./rewire";
import { makeRoom } from "./room";
import { aroundNow, boxOf, framesNow, withContents } from "./scene";
import { newNode, whole } from "./schema";
import { BODY } from "./sections";
import { editable, notices, type Session, setSelection } from "./session";
import { type Box, hull } from "./size";
import { useGraph } from "./store";
import type { EdgeEnds, FlowEdge, Label, Point, SpecLike } from "./types";
import { edgeId } from "./types";

type Parents = ReadonlyMap<string, string | null>;

/** Sets parents and places, and drops the edges that have no place any more. */
function settle(
  session: Session,
  parents: Parents,
  places: Readonly<Record<string, Point>>,
): FlowEdge[] {
  const { nodes, edges } = useGraph.getState();
  const after = aroundOf(withParents(nodes, parents), session.specs);
  const lost = lostEdges(edges, aroundOf(nodes, session.specs), after);
  for (const [id, p] of Object.entries(places))
    session.roots.nodes.get(id)?.set("position", whole(p));
  for (const [id, parent] of parents) {
    if (parent === null) session.roots.nodes.get(id)?.delete("parent");
    else session.roots.nodes.get(id)?.set("parent", parent);
  }
  for (const edge of lost) session.roots.edges.delete(edge.id);
  return lost;
}

/** Says which connections were dropped, and offers to lead them through the container. */
function tellLost(lost: readonly FlowEdge[]): void {
  if (lost.length === 0) return;
  const { nodes, edges } = useGraph.getState();
  const specs = editable()?.specs ?? new Map();
  const ways = lost.flatMap((edge) => wayOut(edge, nodes, edges, specs) ?? []);
  const notice = { key: "edgesLost", kind: "info" as const, params: { count: lost.length } };
  if (ways.length === 0) notices.emit(notice);
  else notices.emit({ ...notice, action: { key: "wireThrough", run: () => addEdges(ways) } });
}

/** Draws edges as one step; each is told by its ends as the document has them. */
function addEdges(list: readonly EdgeEnds[]): void {
  const session = editable();
  const known = useGraph.getState().nodes;
  const there = list.filter((e) => known[e.source] && known[e.target]);
  if (!session || there.length === 0) return;
  session.history.run({ key: "connect" }, () => {
    for (const ends of there) writeEdge(session, marked(ends));
  });
}

function marked(ends: EdgeEnds): EdgeEnds {
  const handles = handlesOf(ends, aroundNow());
  return { ...ends, source_port: handles.source, target_port: handles.target };
}

/** Moves nodes to other places, and into a container or out of all; with what lies in them. */
export function relocate(
  ids: readonly string[],
  container: string | null,
  places: Readonly<Record<string, Point>> = {},
): void {
  const session = editable();
  const { nodes } = useGraph.getState();
  const around = aroundNow();
  const inside = contentsOf(ids, around);
  if (!session || (container !== null && (ids.includes(container) || inside.has(container))))
    return;
  const moved = outermost(ids, around).filter(
    (id) => nodes[id] && (around.get(id) ?? null) !== container,
  );
  if (moved.length === 0) return;
  const parents = new Map(moved.map((id) => [id, container]));
  const label: Label = { key: container ? "moveInto" : "moveOut", count: moved.length };
  const lost = session.history.run(label, () => settle(session, parents, withContents(places)));
  tellLost(lost);
}

interface Ends {
  into: FlowEdge[];
  out: FlowEdge[];
}

/** The edges that lead into a group of nodes and out of it. */
function crossing(ids: ReadonlySet<string>): Ends {
  const { edges } = useGraph.getState();
  const into = edges.filter((e) => ids.has(e.target) && !ids.has(e.source));
  const out = edges.filter((e) => ids.has(e.source) && !ids.has(e.target));
  return { into, out };
}

const ROOM = 16;

/** Puts nodes into a new container of this type, and leads what they are given through it. */
export function wrap(ids: readonly string[], type: string): string | undefined {
  const session = editable();
  const { nodes } = useGraph.getState();
  const around = aroundNow();
  const moved = outermost(
    ids.filter((id) => nodes[id]),
    around,
  );
  const spec = session?.specs.get(type);
  const first = moved[0];
  if (!session || !spec?.inside || first === undefined) return undefined;
  const home = around.get(first) ?? null;
  if (moved.some((id) => (around.get(id) ?? null) !== home)) {
    notices.emit({ key: "wrapApart", kind: "warning" });
    return undefined;
  }
  const id = newId(type, (candidate) => session.roots.nodes.has(candidate));
  const boxes = moved.flatMap((each) => boxOf(each) ?? []);
  const position = whole({
    x: Math.min(...boxes.map((box) => box.x)) - ROOM,
    y: Math.min(...boxes.map((box) => box.y)) - ROOM,
  });
  const group = new Set([...moved, ...contentsOf(moved, around)]);
  const { into, out } = crossing(group);
  const label: Label = { key: "wrap", name: spec.name, count: moved.length };
  const lost = session.history.run(label, () => {
    const data = { type, position, ...(home ? { parent: home } : {}) };
    session.roots.nodes.set(id, newNode(data, spec));
    for (const each of moved) session.roots.nodes.get(each)?.set("parent", id);
    for (const [each, p] of Object.entries(roomFor(moved, spec, home))) {
      session.roots.nodes.get(each)?.set("position", whole(p));
    }
    const dropped = leadThrough(session, id, waysThrough(spec), into, out, around);
    setSelection([id]);
    return dropped;
  });
  tellLost(lost);
  return id;
}

/** Where what lies beside nodes goes when a frame is drawn around them. */
function roomFor(
  moved: readonly string[],
  spec: SpecLike,
  home: string | null,
): Record<string, Point> {
  const { nodes } = useGraph.getState();
  const around = aroundNow();
  const boxes = new Map(moved.flatMap((id) => [[id, boxOf(id) as Box] as const]));
  const others = Object.keys(nodes).filter(
    (id) => !boxes.has(id) && (around.get(id) ?? null) === home,
  );
  const beside = new Map(others.map((id) => [id, boxOf(id) as Box] as const));
  const inside = spec.inside ?? { inputs: [], outputs: [] };
  const section = new Map(moved.map((id) => [id, BODY]));
  const at = { position: { x: 0, y: 0 } };
  const grown = frameAround(at, inside, headHeight(spec), boxes, section);
  return withContents(makeRoom(hull([...boxes.values()]), grown, beside));
}

/** Leads edges through a new container; what finds no way is dropped and answered. */
function leadThrough(
  session: Session,
  id: string,
  ways: ReturnType<typeof waysThrough>,
  into: readonly FlowEdge[],
  out: readonly FlowEdge[],
  around: ReturnType<typeof aroundNow>,
): FlowEdge[] {
  const given = into[0];
  const lost: FlowEdge[] = [];
  if (given && ways.in) {
    const { outer, inner } = ways.in;
    const same = into.filter(
      (e) => e.source === given.source && e.source_port === given.source_port,
    );
    // What comes from the same output goes the same way; other outputs are read as they are.
    for (const edge of same) session.roots.edges.delete(edge.id);
    const { source } = handlesOf(given, around);
    writeEdge(session, { ...given, source_port: source, target: id, target_port: outer });
    for (const edge of same) {
      const { target } = handlesOf(edge, around);
      writeEdge(session, { ...edge, source: id, source_port: innerId(inner), target_port: target });
    }
  }
  const taken = new Map<string, string>();
  for (const edge of out) {
    session.roots.edges.delete(edge.id);
    const key = `${edge.source}\u0000${edge.source_port}`;
    const way = ways.out.find((each) => each.multiple || (taken.get(each.inner) ?? key) === key);
    if (!way) {
      lost.push(edge);
      continue;
    }
    taken.set(way.inner, key);
    const { source, target } = handlesOf(edge, around);
    const exit = { ...edge, source_port: source, target: id, target_port: innerId(way.inner) };
    writeEdge(session, exit);
    writeEdge(session, { ...edge, source: id, source_port: way.outer, target_port: target });
  }
  return lost;
}

/** Takes nodes out of their container; a container that is chosen gives up what lies in it. */
export function takeOut(ids: readonly string[]): void {
  const { nodes } = useGraph.getState();
  const frames = framesNow();
  const around = aroundNow();
  const chosen = outermost(
    ids.filter((id) => nodes[id]),
    around,
  );
  const only = chosen.length === 1 ? chosen[0] : undefined;
  if (only !== undefined && frames.has(only)) {
    dissolve(only);
    return;
  }
  const home = around.get(chosen[0] ?? "");
  const frame = home === undefined ? undefined : frames.get(home);
  if (home === undefined || !frame) return;
  const boxes = chosen.flatMap((id) => boxOf(id) ?? []);
  const by = frame.x + frame.width + 48 - Math.min(...boxes.map((box) => box.x));
  const places = Object.fromEntries(
    chosen.flatMap((id) => {
      const box = boxOf(id);
      return box ? [[id, { x: box.x + by, y: box.y }]] : [];
    }),
  );
  relocate(chosen, around.get(home) ?? null, places);
}

/** Removes a container; what lies in it stays where it is and is wired past it. */
function dissolve(id: string): void {
  const session = editable();
  const { nodes, edges } = useGraph.getState();
  const node = nodes[id];
  if (!session || !node) return;
  const around = aroundNow();
  const members = [...around].flatMap(([each, at]) => (at === id ? [each] : []));
  const home = around.get(id) ?? null;
  const spec = session.specs.get(node.type);
  const ways = waysThrough(spec);
  const handles = new Map(edges.map((e) => [e.id, handlesOf(e, around)]));
  const at = (side: "source" | "target", handle: string) =>
    edges.filter((e) => e[side] === id && handles.get(e.id)?.[side] === handle);
  const joined: EdgeEnds[] = [];
  const join = (before: FlowEdge[], after: FlowEdge[]) => {
    for (const { source, source_port } of before) {
      for (const { target, target_port } of after) {
        joined.push({ source, source_port, target, target_port });
      }
    }
  };
  if (ways.in) join(at("target", ways.in.outer), at("source", innerId(ways.in.inner)));
  for (const way of ways.out) join(at("target", innerId(way.inner)), at("source", way.outer));
  const label: Label = { key: "takeOut", count: members.length };
  session.history.run(label, () => {
    for (const each of members) {
      if (home === null) session.roots.nodes.get(each)?.delete("parent");
      else session.roots.nodes.get(each)?.set("parent", home);
    }
    for (const e of edges) if (e.source === id || e.target === id) session.roots.edges.delete(e.id);
    session.roots.nodes.delete(id);
    for (const ends of joined) {
      if (!session.roots.edges.has(edgeId(ends))) writeEdge(session, marked(ends));
    }
    setSelection(members);
  });
}

/** The room a container is to take at least; `null` leaves it to what lies in it. */
export function setSize(
  id: string,
  box: { x: number; y: number; width: number; height: number } | null,
) {
  const session = editable();
  const node = session?.roots.nodes.get(id);
  if (!session || !node) return;
  session.history.run({ key: "resize" }, () => {
    if (box === null) {
      node.delete("size");
      return;
    }
    node.set("position", whole(box));
    node.set("size", { width: Math.round(box.width), height: Math.round(box.height) });
  });
}
