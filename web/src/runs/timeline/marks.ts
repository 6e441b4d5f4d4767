import { niceStep } from "../charts/scales";
import type { Span } from "./view";

const MARKS = 6;

/** Round moments within a stretch of time. */
export function marksOf({ from, to }: Span): number[] {
  // Marks below a millisecond would be written alike.
  const step = Math.max(1, niceStep(to - from, MARKS));
  const marks: number[] = [];
  for (let at = Math.ceil(from / step) * step; at <= to - (to - from) * 0.03; at += step) {
    marks.push(at);
  }
  return marks;
}
