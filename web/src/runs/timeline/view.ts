/** Which stretch of time the timeline shows, in milliseconds since the run began. */

export interface Span {
  from: number;
  to: number;
}

const LEAST_MS = 1;

/** The stretch after zooming by a factor around a point of it. */
export function zoomed(view: Span, whole: number, factor: number, around: number): Span {
  const length = Math.min(whole, Math.max(LEAST_MS, (view.to - view.from) * factor));
  const share = (around - view.from) / (view.to - view.from || 1);
  return within({ from: around - share * length, to: around + (1 - share) * length }, whole);
}

export function panned(view: Span, whole: number, by: number): Span {
  return within({ from: view.from + by, to: view.to + by }, whole);
}

/** The same length, moved into what there is. */
function within({ from, to }: Span, whole: number): Span {
  const length = Math.min(whole, to - from);
  const start = Math.min(Math.max(0, from), whole - length);
  return { from: start, to: start + length };
}

export const isWhole = (view: Span, whole: number): boolean =>
  view.from <= 0 && view.to >= whole * 0.999;
