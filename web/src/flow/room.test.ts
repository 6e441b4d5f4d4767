import { expect, it } from "vitest";
import { makeRoom } from "./room";

const box = (x: number, y: number, width = 200, height = 60) => ({ x, y, width, height });
const before = box(300, 0);
const grown = box(200, -60, 400, 180);

it.each([
  ["what comes after", box(550, 0), { a: { x: 656, y: 0 } }],
  ["what comes before", box(50, 0), { a: { x: -56, y: 0 } }],
  ["what lies below", box(320, 90), { a: { x: 320, y: 176 } }],
  ["what lies above", box(320, -130), { a: { x: 320, y: -176 } }],
  ["nothing that is far enough away", box(900, 0), {}],
])("moves %s", (_, other, places) => {
  expect(makeRoom(before, grown, new Map([["a", other]]))).toEqual(places);
});
