import { describe, expect, it } from "vitest";
import type { FlowEdge } from "@/flow/types";
import { shapeOf } from "../geometry";
import type { Block } from "./blocks";
import { layoutInput, layoutPlaces } from "./layout";
import { notePlaces } from "./notes";

const rows = { name: "rows", type: "Stream[Row]" };
const shape = shapeOf({ inputs: [rows], outputs: [rows], known: true });

function card(id: string, x: number, y: number): Block {
  const { inputs, outputs, height } = shape;
  return { id, position: { x, y }, width: 204, height, inputs, outputs };
}

const edge = (source: string, target: string): FlowEdge => ({
  id: `${source}.rows>${target}.rows`,
  source,
  source_port: "rows",
  target,
  target_port: "rows",
});

describe("auto layout", () => {
  const nodes = [card("a", 100, 50), card("b", 0, 300), card("c", 50, 900)];
  const edges = [edge("a", "b"), edge("b", "gone")];

  it("tells the engine where ports are, and leaves out edges that lead outside", () => {
    const input = layoutInput(nodes, edges);
    expect(input.edges?.map((e) => [e.sources[0], e.targets[0]])).toEqual([
      ["a/out/rows", "b/in/rows"],
    ]);
    expect(input.children?.[0]?.ports?.map((p) => [p.x, p.y])).toEqual([
      [0, 29],
      [204, 29],
    ]);
  });

  it("keeps the corner, and groups below each other in their order", () => {
    const laid = {
      id: "root",
      children: [
        { id: "c", x: 12, y: 12 },
        { id: "a", x: 12, y: 140 },
        { id: "b", x: 300, y: 140 },
      ],
    };
    expect(layoutPlaces(laid, nodes, edges)).toEqual({
      a: { x: 0, y: 50 },
      b: { x: 288, y: 50 },
      c: { x: 0, y: 50 + 58 + 56 },
    });
  });

  it("takes a note along with its card, out of the way of others", () => {
    const size = { width: 204, height: 58 };
    const cards = [
      { id: "a", position: { x: 0, y: 0 }, ...size },
      { id: "b", position: { x: 0, y: 500 }, ...size },
    ];
    const note = { id: "n", position: { x: 0, y: 70 }, width: 204, height: 60 };
    const to = { a: { x: 400, y: 0 }, b: { x: 400, y: 80 } };
    expect(notePlaces([note], cards, to)).toEqual({ n: { x: 400, y: 150 } });
  });
});
