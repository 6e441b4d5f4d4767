/** The open flow as it lies on the canvas: the room that everything takes. */
import { useFolded } from "./folded";
import {
  type Frame,
  type Frames,
  frameAround,
  framesOf,
  headHeight,
  insideOf,
  type Scene,
} from "./frames";
import { portsOf, type Specs } from "./infer";
import { type Around, aroundOf, contentsOf, isContainer } from "./nesting";
import { makeRoom } from "./room";
import { current } from "./session";
import { type Box, cardBox, freePlace, type Room } from "./size";
import { useGraph } from "./store";
import type { FlowNode, NodeData, Point } from "./types";

const NO_SPECS: Specs = new Map();
const specsNow = (): Specs => current()?.specs ?? NO_SPECS;

export function sceneNow(): Scene {
  const { nodes, edges } = useGraph.getState();
  return { nodes, edges, specs: specsNow(), collapsed: useFolded.getState().ids };
}

export const framesNow = (): Frames => framesOf(sceneNow());
export const frameNow = (id: string): Frame | undefined => framesNow().get(id);
export const aroundNow = (): Around => aroundOf(useGraph.getState().nodes, specsNow());

/** The room a node takes: of a container its frame. */
export function boxOf(id: string): Box | null {
  const scene = sceneNow();
  const node = scene.nodes[id];
  if (!node) return null;
  return framesOf(scene).get(id) ?? cardBox(node, scene.specs, scene.edges);
}

/** The room that a node would take. */
function bornBox(node: FlowNode, specs: Specs): Box {
  const inside = specs.get(node.type)?.inside;
  if (!inside || !isContainer(node, specs)) return cardBox(node, specs, []);
  const head = headHeight(portsOf(node, specs, []));
  return frameAround(node, inside, head, new Map(), new Map());
}

/** Where a node can stand in a container (or in none), nearest to where it is wanted. */
export function placeFor(
  data: NodeData,
  at: Point,
  container: string | null,
  room: Room | null = null,
): Point {
  const scene = sceneNow();
  const around = aroundOf(scene.nodes, scene.specs);
  const born: FlowNode = { id: "", settings: {}, ...data, position: at };
  const taken = Object.keys(scene.nodes)
    .filter((id) => (around.get(id) ?? null) === container)
    .map((id) => boxOf(id) as Box);
  const frame = container === null ? undefined : framesOf(scene).get(container);
  const inside =
    room && frame
      ? within(room, insideOf(frame, scene.specs.get(scene.nodes[container ?? ""]?.type ?? "")))
      : room;
  return freePlace(bornBox(born, scene.specs), taken, inside);
}

/** The part of a room that lies in a box. */
function within(room: Room, box: Box): Room {
  const x = Math.max(room.x, box.x);
  const y = Math.max(room.y, box.y);
  const width = Math.min(room.x + room.width, box.x + box.width) - x;
  return {
    x,
    y,
    width,
    height: Math.min(room.y + room.height, box.y + box.height) - y,
    covered: room.covered,
  };
}

/** Where what lies beside the containers around a new node goes, as they grow around it. */
export function placesBeside(born: FlowNode, home: string | null): Record<string, Point> {
  const scene = sceneNow();
  const frames = framesOf(scene);
  const around = aroundOf(scene.nodes, scene.specs);
  const places: Record<string, Point> = {};
  for (let at = home; at !== null; at = around.get(at) ?? null) {
    const nodes = { ...scene.nodes, [born.id]: born };
    for (const [id, position] of Object.entries(places)) {
      const node = nodes[id];
      if (node) nodes[id] = { ...node, position };
    }
    const before = frames.get(at);
    const grown = framesOf({ ...scene, nodes }).get(at);
    if (!before || !grown || before.collapsed) break;
    const level = around.get(at) ?? null;
    const beside = Object.keys(scene.nodes).filter(
      (id) => id !== at && (around.get(id) ?? null) === level,
    );
    const boxes = new Map(beside.map((id) => [id, boxOf(id) as Box] as const));
    Object.assign(places, withContents(makeRoom(before, grown, boxes)));
  }
  return places;
}

type Places = Readonly<Record<string, Point>>;

/**
 * Places with those of everything that lies in the containers among them: as the document is to
 * hold them, or as they are shown (a container that has a size of its own may be shown larger).
 */
export function withContents(places: Places, shown = false): Record<string, Point> {
  const found: Record<string, Point> = { ...places };
  // The outer ones first: what lies deeper goes along with the nearest that moves.
  for (const [id, frame] of framesNow()) {
    const to = places[id];
    const by = to && { x: to.x - frame.x, y: to.y - frame.y };
    if (by) Object.assign(found, carried(id, by, places, shown));
  }
  return found;
}

/** Where a container and what lies in it are after a move; what moves by itself is left out. */
function carried(id: string, by: Point, others: Places, shown: boolean): Record<string, Point> {
  const { nodes } = useGraph.getState();
  const frames = framesNow();
  const found: Record<string, Point> = {};
  for (const each of [id, ...contentsOf([id], aroundNow())]) {
    const node = nodes[each];
    if (!node || (each !== id && each in others)) continue;
    const own = node.size && !shown ? undefined : frames.get(each);
    const from = own ?? node.position;
    found[each] = { x: from.x + by.x, y: from.y + by.y };
  }
  return found;
}
