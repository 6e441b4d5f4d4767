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

  const room = { x: 0, y: 0, width: 700, height: 300, covered: [] };
  const meets = (a: Box, b: Box) =>
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
  const seen = (place: { x: number; y: number }, height = 58) =>
    place.x >= 0 && place.y >= 0 && place.x + 204 <= 700 && place.y + height <= 300;

  it.each([
    ["outside of it", box(900, -200), []],
    ["where a card is", box(240, 120), [box(240, 120)]],
    ["between many", box(240, 120), [box(240, 40), box(240, 120), box(240, 200), box(20, 120)]],
    ["where the tools are", box(480, 240), []],
  ])("is within a room when it is wanted %s", (_, wanted, taken) => {
    const covered = [{ x: 500, y: 200, width: 200, height: 100 }];
    const place = freePlace(wanted, taken, { ...room, covered });
    expect(seen(place)).toBe(true);
    const there = { ...wanted, ...place };
    expect([...taken, ...covered].filter((other) => meets(there, other))).toEqual([]);
  });

  it("is below everything when the room is full, or too small", () => {
    const full = [{ x: 0, y: 0, width: 700, height: 300 }];
    expect(freePlace(box(200, 100), full, room)).toEqual({ x: 200, y: 332 });
    expect(freePlace(box(10, 10), [], { ...room, width: 100 })).toEqual({ x: 10, y: 10 });
  });

  it("is found at once among thousands", () => {
    const many = Array.from({ length: 5000 }, (_, i) =>
      box((i % 70) * 230, Math.floor(i / 70) * 80),
    );
    const wide = { x: 0, y: 0, width: 20_000, height: 6_000, covered: [] };
    const place = freePlace(box(8000, 3000), many, wide);
    expect(many.filter((other) => meets(box(place.x, place.y), other))).toEqual([]);
  });
});
