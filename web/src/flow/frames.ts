/**
 * How large containers are and where their bands lie: known before they are drawn.
 *
 * A container is as large as what lies in it asks for, and at least as large as somebody made it.
 * Its sections lie one below the other; nodes whose section nothing tells yet lie where they lie.
 */
import { portsOf, type Specs } from "./infer";
import { type Around, aroundOf, contentsOf, isContainer } from "./nesting";
import { BODY, sectionNames, sectionsOf } from "./sections";
import { type Box, CARD_WIDTH, cardBox, HEAD_HEIGHT } from "./size";
import type { EdgeEnds, FlowEdge, FlowNode, InsideLike, Point } from "./types";

export const FRAME_HEAD = 48;
/** Room of the ports that face inwards, along the left and the right border. */
export const RAIL = 78;
export const INNER_ROW = 26;
const PORT_ROW = 20;
const BESIDE = 44;
export const INSET = RAIL + BESIDE;
const BARE = 28;
const ABOVE = 20;
const BELOW = 22;

export interface Band {
  section: string;
  /** From the top of the frame. */
  y: number;
  height: number;
}

export interface Frame extends Box {
  head: number;
  bands: Band[];
  members: string[];
  /** How many nodes lie in it, at once or deeper. */
  count: number;
  collapsed: boolean;
}

export type Frames = ReadonlyMap<string, Frame>;

export interface Scene {
  nodes: Readonly<Record<string, FlowNode>>;
  edges: readonly FlowEdge[];
  specs: Specs;
  /** Containers that are shown as cards. */
  collapsed: ReadonlySet<string>;
}

export const NONE: ReadonlySet<string> = new Set();

let last: { scene: Scene; frames: Frames } | null = null;

const same = (a: Scene, b: Scene): boolean =>
  a.nodes === b.nodes && a.edges === b.edges && a.specs === b.specs && a.collapsed === b.collapsed;

/** The frames of all containers, the outer ones first. */
export function framesOf(scene: Scene): Frames {
  if (last && same(last.scene, scene)) return last.frames;
  const frames = new Measuring(scene).run();
  last = { scene, frames };
  return frames;
}

/** Height of the head of a container: its outer ports lie on it. */
export function headHeight(ports: { inputs: unknown[]; outputs: unknown[] }): number {
  const rows = Math.max(ports.inputs.length, ports.outputs.length);
  return Math.max(FRAME_HEAD, rows * PORT_ROW + 8);
}

export const portsIn = (inside: InsideLike, section: string) => ({
  outputs: inside.outputs.filter((p) => (p.section ?? BODY) === section),
  inputs: inside.inputs.filter((p) => (p.section ?? BODY) === section),
});

const leastHeight = (inside: InsideLike, section: string): number => {
  const { outputs, inputs } = portsIn(inside, section);
  const rows = Math.max(outputs.length, inputs.length);
  return Math.max(ABOVE + HEAD_HEIGHT + BELOW, rows * INNER_ROW + 24);
};

interface Span {
  top: number;
  bottom: number;
}

class Measuring {
  private readonly around: Around;
  private readonly members = new Map<string, string[]>();
  private readonly found = new Map<string, Frame>();

  constructor(private readonly scene: Scene) {
    this.around = aroundOf(scene.nodes, scene.specs);
    for (const [id, at] of this.around) {
      const list = this.members.get(at);
      if (list) list.push(id);
      else this.members.set(at, [id]);
    }
  }

  run(): Frames {
    const { nodes, specs } = this.scene;
    for (const node of Object.values(nodes)) if (isContainer(node, specs)) this.frame(node);
    const depth = (id: string): number => {
      let steps = 0;
      for (let at = this.around.get(id); at !== undefined && steps < 100; steps++) {
        at = this.around.get(at);
      }
      return steps;
    };
    const order = [...this.found].map(([id, frame]) => ({ id, frame, depth: depth(id) }));
    order.sort((a, b) => a.depth - b.depth);
    return new Map(order.map(({ id, frame }) => [id, frame]));
  }

  private box(id: string): Box {
    const { nodes, specs, edges } = this.scene;
    const node = nodes[id] as FlowNode;
    return isContainer(node, specs) ? this.frame(node) : cardBox(node, specs, edges);
  }

  private frame(node: FlowNode): Frame {
    const known = this.found.get(node.id);
    if (known) return known;
    const { specs, edges, collapsed } = this.scene;
    const inside = specs.get(node.type)?.inside as InsideLike;
    const head = headHeight(portsOf(node, specs, edges));
    const members = this.members.get(node.id) ?? [];
    const boxes = new Map(members.map((id) => [id, this.box(id)]));
    const open = frameAround(node, inside, head, boxes, this.sections(node.id, inside, members));
    const count = contentsOf([node.id], this.around).size;
    const card = { width: CARD_WIDTH, height: HEAD_HEIGHT, bands: [] };
    const shut = collapsed.has(node.id);
    const frame: Frame = { ...open, ...(shut ? card : {}), head, members, count, collapsed: shut };
    this.found.set(node.id, frame);
    return frame;
  }

  private sections(
    id: string,
    inside: InsideLike,
    members: readonly string[],
  ): ReadonlyMap<string, string> {
    if (sectionNames(inside).length === 1) return new Map(members.map((m) => [m, BODY]));
    return sectionsOf(id, inside, members, this.scene.edges as readonly EdgeEnds[], this.around);
  }
}

type Open = Pick<Frame, "x" | "y" | "width" | "height" | "bands">;

/** The frame around the boxes of what lies in a container. */
export function frameAround(
  node: Pick<FlowNode, "position" | "size">,
  inside: InsideLike,
  head: number,
  boxes: ReadonlyMap<string, Box>,
  section: ReadonlyMap<string, string>,
): Open {
  const names = sectionNames(inside);
  const all = [...boxes.values()];
  const least = names.map((name) => leastHeight(inside, name));
  const spans = names.map((name) => {
    const own = all.length > 0 ? [...boxes].filter(([id]) => section.get(id) === name) : [];
    return spanOf(own.map(([, box]) => box));
  });
  const rests = spanOf(all);
  const right = inside.inputs.length > 0 ? INSET : BARE;
  const size = node.size;
  const left = all.length > 0 ? Math.min(...all.map((box) => box.x)) - INSET : node.position.x;
  const end =
    all.length > 0 ? Math.max(...all.map((box) => box.x + box.width)) + right : node.position.x;
  const first = bandTop(spans, least, node.position.y + head);
  let top = Math.min(first, rests ? rests.top - ABOVE : Number.POSITIVE_INFINITY);
  if (size) top = Math.min(top, node.position.y + head);
  const bottoms = bandBottoms(first, spans, least);
  let bottom = Math.max(bottoms.at(-1) as number, rests ? rests.bottom + BELOW : top);
  const x = size ? Math.min(left, node.position.x) : left;
  let to = Math.max(end, x + INSET + CARD_WIDTH + right);
  if (size) {
    to = Math.max(to, node.position.x + size.width);
    bottom = Math.max(bottom, node.position.y + size.height);
  }
  const y = top - head;
  const bands = names.map((name, i) => {
    const from = i === 0 ? top : (bottoms[i - 1] as number);
    const until = i === names.length - 1 ? bottom : (bottoms[i] as number);
    return { section: name, y: from - y, height: until - from };
  });
  return { x, y, width: to - x, height: bottom - y, bands };
}

const spanOf = (boxes: readonly Box[]): Span | null =>
  boxes.length === 0
    ? null
    : {
        top: Math.min(...boxes.map((box) => box.y)),
        bottom: Math.max(...boxes.map((box) => box.y + box.height)),
      };

const sum = (numbers: readonly number[]): number => numbers.reduce((all, each) => all + each, 0);

/** Where the first band begins, so that the first one that holds something begins above that. */
function bandTop(spans: (Span | null)[], least: number[], otherwise: number): number {
  const first = spans.findIndex((span) => span !== null);
  const span = spans[first];
  return span ? span.top - ABOVE - sum(least.slice(0, first)) : otherwise;
}

/** Where bands end: below what they hold, and where the next one has to begin. */
function bandBottoms(first: number, spans: (Span | null)[], least: number[]): number[] {
  const bottoms: number[] = [];
  let y = first;
  for (const [i, height] of least.entries()) {
    const span = spans[i];
    let bottom = y + height;
    if (span) {
      const next = spans.findIndex((other, j) => j > i && other !== null);
      const between = next > 0 ? sum(least.slice(i + 1, next)) : 0;
      const begins = next > 0 ? (spans[next]?.top ?? 0) - ABOVE - between : bottom;
      bottom = Math.max(bottom, span.bottom + BELOW, begins);
    }
    bottoms.push(bottom);
    y = bottom;
  }
  return bottoms;
}

/** The part of a frame in which a node can be put without its growing. */
export function insideOf(frame: Frame, spec: { inside?: InsideLike | null } | undefined): Box {
  const right = (spec?.inside?.inputs.length ?? 0) > 0 ? INSET : BARE;
  return {
    x: frame.x + INSET,
    y: frame.y + frame.head + ABOVE,
    width: frame.width - INSET - right,
    height: frame.height - frame.head - ABOVE - BELOW,
  };
}

/** Where a first node stands in a section of an empty container. */
export function firstPlace(frame: Frame, section = BODY): Point {
  const band = frame.bands.find((each) => each.section === section) ?? frame.bands[0];
  return { x: frame.x + INSET, y: frame.y + (band?.y ?? frame.head) + ABOVE };
}

/** The innermost open container whose inside holds a point; those in `except` do not count. */
export function frameAt(
  frames: Frames,
  at: Point,
  except: ReadonlySet<string> = NONE,
): string | null {
  let found: string | null = null;
  for (const [id, frame] of frames) {
    if (frame.collapsed || except.has(id)) continue;
    const inX = at.x >= frame.x && at.x <= frame.x + frame.width;
    const inY = at.y >= frame.y + frame.head && at.y <= frame.y + frame.height;
    if (inX && inY) found = id;
  }
  return found;
}
