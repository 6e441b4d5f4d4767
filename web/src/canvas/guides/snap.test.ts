import { describe, expect, it } from "vitest";
import { snap } from "./snap";

const card = (x: number, y: number, height = 58) => ({ x, y, width: 204, height });

describe("alignment", () => {
  it.each([
    ["tops", card(400, 3), [card(0, 0)], { x: 400, y: 0 }],
    ["middles of different heights", card(400, 24), [card(0, 0, 106)], { x: 400, y: 24 }],
    ["left sides", card(4, 200), [card(0, 0)], { x: 0, y: 200 }],
    ["nothing near", card(400, 40), [card(0, 0)], { x: 400, y: 40 }],
    ["the nearest of several", card(400, 5), [card(0, 0), card(900, 7)], { x: 400, y: 7 }],
  ])("%s", (_name, box, others, place) => {
    expect(snap(box, others, 6).place).toEqual(place);
  });

  it("shows the line it found", () => {
    expect(snap(card(400, 3), [card(0, 0)], 6)).toMatchObject({ x: null, y: 0 });
  });
});
