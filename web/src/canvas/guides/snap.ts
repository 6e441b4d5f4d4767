/** Alignment: a dragged card comes to rest in line with others near it. */
import type { Point } from "@/flow/types";

export interface Box extends Point {
  width: number;
  height: number;
}

/** Lines to be drawn: where the dragged card is in line with another. */
export interface Guides {
  x: number | null;
  y: number | null;
}

export const NO_GUIDES: Guides = { x: null, y: null };

/** The three lines of a box along one axis: its beginning, its middle and its end. */
const lines = (start: number, size: number): number[] => [start, start + size / 2, start + size];

interface Best {
  shift: number;
  at: number;
}

/** The nearest alignment within reach; beginnings, middles and ends pair with their like. */
function nearest(own: number[], others: number[][], reach: number): Best | null {
  let best: Best | null = null;
  for (const other of others) {
    for (let i = 0; i < own.length; i++) {
      const at = other[i] ?? 0;
      const shift = at - (own[i] ?? 0);
      if (Math.abs(shift) <= reach && (!best || Math.abs(shift) < Math.abs(best.shift))) {
        best = { shift, at };
      }
    }
  }
  return best;
}

/** Where a dragged box comes to rest, and the lines that show why. */
export function snap(box: Box, others: readonly Box[], reach: number): Guides & { place: Point } {
  const across = nearest(
    lines(box.x, box.width),
    others.map((other) => lines(other.x, other.width)),
    reach,
  );
  const down = nearest(
    lines(box.y, box.height),
    others.map((other) => lines(other.y, other.height)),
    reach,
  );
  return {
    place: { x: box.x + (across?.shift ?? 0), y: box.y + (down?.shift ?? 0) },
    x: across?.at ?? null,
    y: down?.at ?? null,
  };
}
