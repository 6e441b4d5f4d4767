/** Making room: when something grows, what lies beside it moves away from it. */
import type { Box } from "./size";
import type { Point } from "./types";

const GAP = 56;

const right = (box: Box): number => box.x + box.width;
const bottom = (box: Box): number => box.y + box.height;

const meets = (a: Box, b: Box): boolean =>
  a.x < right(b) + GAP / 2 &&
  b.x < right(a) + GAP / 2 &&
  a.y < bottom(b) + GAP / 2 &&
  b.y < bottom(a) + GAP / 2;

type Boxes = ReadonlyMap<string, Box>;

/** How far the boxes of one side have to go, so that none of them is met any more. */
function push(side: Boxes, grown: Box, far: (boxes: Box[]) => number): number {
  const met = [...side.values()].some((box) => meets(box, grown));
  return met ? Math.max(0, far([...side.values()])) : 0;
}

/** New places of what lies beside something that grows from one box to another. */
export function makeRoom(before: Box, grown: Box, others: Boxes): Record<string, Point> {
  const those = (keep: (box: Box) => boolean): Boxes =>
    new Map([...others].filter(([, box]) => keep(box)));
  const after = those((box) => box.x >= right(before));
  const ahead = those((box) => right(box) <= before.x);
  const beside = (box: Box) => box.x < right(before) && right(box) > before.x;
  const under = those((box) => beside(box) && box.y >= bottom(before));
  const over = those((box) => beside(box) && bottom(box) <= before.y);
  const places: Record<string, Point> = {};
  const shift = (side: Boxes, x: number, y: number) => {
    if (x === 0 && y === 0) return;
    for (const [id, box] of side) places[id] = { x: box.x + x, y: box.y + y };
  };
  const least = (boxes: Box[], at: (box: Box) => number) => Math.min(...boxes.map(at));
  const most = (boxes: Box[], at: (box: Box) => number) => Math.max(...boxes.map(at));
  shift(
    after,
    push(after, grown, (all) => right(grown) + GAP - least(all, (box) => box.x)),
    0,
  );
  shift(ahead, -push(ahead, grown, (all) => most(all, right) + GAP - grown.x), 0);
  shift(
    under,
    0,
    push(under, grown, (all) => bottom(grown) + GAP - least(all, (box) => box.y)),
  );
  shift(over, 0, -push(over, grown, (all) => most(all, bottom) + GAP - grown.y));
  return places;
}
