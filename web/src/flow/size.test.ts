import { describe, expect, it } from "vitest";
import { type Box, cardHeight, freePlace } from "./size";

const box = (x: number, y: number, height = 58): Box => ({ x, y, width: 204, height });
const port = (name: string) => ({ name, type: "Any" });

describe("the size of a card", () => {
  it.each([
    ["one port a side", [port("a")], [port("b")], 58],
    ["two inputs", [port("a"), port("b")], [port("c")], 106],
    ["three outputs", [], [port("a"), port("b"), port("c")], 126],
  ])("with %s", (_, inputs, outputs, height) => {
    expect(cardHeight({ inputs, outputs })).toBe(height);
  });
});

describe("a free place", () => {
  it("is the wanted one where nothing is in the way", () => {
    expect(freePlace(box(10.4, 20), [box(400, 20)])).toEqual({ x: 10, y: 20 });
  });

  it("is below a card, as high as that card is", () => {
    expect(freePlace(box(0, 0), [box(0, 0, 106)])).toEqual({ x: 0, y: 138 });
  });

  it("counts the height of what is placed", () => {
    expect(freePlace(box(0, 0, 106), [box(0, 90)]).y).toBeGreaterThan(148);
  });

  it("is below all that is in the way", () => {
    const taken = [box(0, 100), box(0, 0), box(0, 190)];
    expect(freePlace(box(0, 0), taken)).toEqual({ x: 0, y: 280 });
  });
});
