/** What is laid out on one level: cards, and containers with what lies in them as one block. */
import { type Frame, frameAround, headHeight, INSET } from "@/flow/frames";
import { portsOf } from "@/flow/infer";
import { aroundOf, isContainer, levelEdges } from "@/flow/nesting";
import { sceneNow } from "@/flow/scene";
import { BODY, sectionNames, sectionsOf } from "@/flow/sections";
import { type Box, CARD_WIDTH } from "@/flow/size";
import type { FlowNode, Point } from "@/flow/types";
import { cardShape } from "../geometry";
import { type LaidEdge, layOut } from "./layout";

export interface Block {
  id: string;
  position: Point;
  width: number;
  height: number;
  inputs: readonly { name: string; y: number }[];
  outputs: readonly { name: string; y: number }[];
}

type Places = Record<string, Point>;
const SECTION_GAP = 46;

/** Lays out levels from the inside outwards. */
export class Levels {
  private readonly scene = sceneNow();
  private readonly around = aroundOf(this.scene.nodes, this.scene.specs);
  private readonly edges: LaidEdge[] = levelEdges(this.scene.edges, this.around);
  /** Places relative to the corner of the container they lie in. */
  private readonly inside = new Map<string, Places>();
  private readonly frames = new Map<string, Frame>();
  private readonly members = new Map<string | undefined, string[]>();

  constructor(private readonly shown: ReadonlyMap<string, Box>) {
    for (const id of Object.keys(this.scene.nodes)) {
      const at = this.around.get(id);
      const list = this.members.get(at);
      if (list) list.push(id);
      else this.members.set(at, [id]);
    }
  }

  /** Places for nodes that lie on one level, and for everything in them. */
  async run(ids: readonly string[]): Promise<Places> {
    const places = await layOut(await this.blocks(ids), this.edges);
    const all: Places = {};
    for (const [id, at] of Object.entries(places)) this.spread(id, at, all);
    return all;
  }

  private blocks(ids: readonly string[]): Promise<Block[]> {
    return Promise.all(ids.map((id) => this.block(id)));
  }

  private async block(id: string): Promise<Block> {
    const { nodes, specs, edges, collapsed } = this.scene;
    const node = nodes[id] as FlowNode;
    const box = this.shown.get(id);
    const position = box ?? node.position;
    if (!isContainer(node, specs) || collapsed.has(id)) {
      const { inputs, outputs, height } = cardShape(node, specs, edges);
      return { id, position, width: CARD_WIDTH, height, inputs, outputs };
    }
    const frame = await this.fill(node);
    const { inputs, outputs } = portsOf(node, specs, edges);
    const along = (ports: readonly { name: string }[]) =>
      ports.map(({ name }, i) => ({ name, y: (frame.head / ports.length) * (i + 0.5) }));
    const { width, height } = frame;
    return { id, position, width, height, inputs: along(inputs), outputs: along(outputs) };
  }

  /** Lays out what lies in a container, section below section; its frame with the corner at 0, 0. */
  private async fill(node: FlowNode): Promise<Frame> {
    const { specs, edges } = this.scene;
    const inside = specs.get(node.type)?.inside ?? { inputs: [], outputs: [] };
    const members = this.members.get(node.id) ?? [];
    const section = sectionsOf(node.id, inside, members, edges, this.around);
    const boxes = new Map<string, Box>();
    let top = 0;
    for (const name of sectionNames(inside)) {
      const own = members.filter((id) => (section.get(id) ?? BODY) === name);
      const blocks = await this.blocks(own);
      const places = await layOut(blocks, this.edges);
      const left = Math.min(...Object.values(places).map((p) => p.x));
      const upper = Math.min(...Object.values(places).map((p) => p.y));
      let bottom = top;
      for (const { id, width, height } of blocks) {
        const at = places[id] ?? { x: left, y: upper };
        const box = { x: INSET + at.x - left, y: top + at.y - upper, width, height };
        boxes.set(id, box);
        bottom = Math.max(bottom, box.y + height);
      }
      if (blocks.length > 0) top = bottom + SECTION_GAP;
    }
    const head = headHeight(portsOf(node, specs, edges));
    const { size: _, ...rest } = node;
    const open = frameAround({ ...rest, position: { x: 0, y: 0 } }, inside, head, boxes, section);
    const places: Places = {};
    for (const [id, box] of boxes) places[id] = { x: box.x - open.x, y: box.y - open.y };
    this.inside.set(node.id, places);
    const frame = { ...open, head, members, count: members.length, collapsed: false };
    this.frames.set(node.id, frame);
    return frame;
  }

  /** Turns places within a container into places on the canvas. */
  private spread(id: string, at: Point, all: Places): void {
    all[id] = { x: Math.round(at.x), y: Math.round(at.y) };
    for (const [inner, p] of Object.entries(this.inside.get(id) ?? {})) {
      this.spread(inner, { x: at.x + p.x, y: at.y + p.y }, all);
    }
  }
}
