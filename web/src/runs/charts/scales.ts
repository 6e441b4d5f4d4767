/** Scales and ticks for charts; no drawing here. */

export interface Scale {
  (value: number): number;
  domain: [number, number];
  ticks: number[];
}

/** A round step (1, 2 or 5 times a power of ten) that makes about `count` steps of a span. */
export function niceStep(span: number, count: number): number {
  if (!(span > 0) || !Number.isFinite(span)) return 1;
  const rough = span / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(rough));
  const share = rough / power;
  const nice = share <= 1 ? 1 : share <= 2 ? 2 : share <= 5 ? 5 : 10;
  return nice * power;
}

function clean(value: number, step: number): number {
  const digits = Math.max(0, Math.min(12, -Math.floor(Math.log10(step)) + 1));
  return Number(value.toFixed(digits));
}

/** Round values that cover a range, from at or below its lowest to at or above its highest. */
export function niceTicks(low: number, high: number, count: number): number[] {
  let from = low;
  let to = high;
  if (from === to) {
    const room = Math.abs(from) > 0 ? Math.abs(from) * 0.5 : 1;
    from -= room;
    to += room;
  }
  const step = niceStep(to - from, count);
  const first = Math.floor(from / step + 1e-9);
  const last = Math.ceil(to / step - 1e-9);
  return Array.from({ length: last - first + 1 }, (_, index) =>
    clean((first + index) * step, step),
  );
}

function scale(domain: [number, number], range: [number, number], ticks: number[]): Scale {
  const [d0, d1] = domain;
  const [r0, r1] = range;
  const factor = d1 === d0 ? 0 : (r1 - r0) / (d1 - d0);
  return Object.assign((value: number) => r0 + (value - d0) * factor, { domain, ticks });
}

/** A scale for numbers whose ends are round; `zero` makes it reach to nought, as bars need. */
export function linearScale(
  values: readonly number[],
  range: [number, number],
  options: { zero?: boolean; ticks?: number } = {},
): Scale {
  const [least, most] = extent(values) ?? [0, 1];
  const low = options.zero ? Math.min(0, least) : least;
  const high = options.zero ? Math.max(0, most) : most;
  const ticks = niceTicks(low, high, options.ticks ?? 5);
  return scale([ticks[0] ?? 0, ticks.at(-1) ?? 1], range, ticks);
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
  SECOND,
  5 * SECOND,
  15 * SECOND,
  30 * SECOND,
  MINUTE,
  5 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
];

function calendarTicks(low: number, high: number, count: number): number[] {
  const months = (high - low) / (30.44 * DAY);
  const choices = [1, 2, 3, 6, 12, 24, 60, 120, 240, 600, 1200];
  const step = choices.find((choice) => months / choice <= count) ?? 1200;
  const date = new Date(low);
  const firstMonth = date.getUTCFullYear() * 12 + date.getUTCMonth();
  const ticks: number[] = [];
  for (let month = Math.ceil(firstMonth / step) * step; ticks.length <= count + 2; month += step) {
    const tick = Date.UTC(Math.floor(month / 12), month % 12, 1);
    if (tick > high) break;
    if (tick >= low) ticks.push(tick);
  }
  return ticks;
}

/** Times at which hours, days or months begin, within a range. */
export function timeTicks(low: number, high: number, count: number): number[] {
  const span = high - low;
  const step = STEPS.find((each) => span / each <= count);
  if (step === undefined) return calendarTicks(low, high, count);
  const ticks: number[] = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high; tick += step) ticks.push(tick);
  return ticks;
}

/** A scale for times; it ends where the values end. */
export function timeScale(
  values: readonly number[],
  range: [number, number],
  count: number,
): Scale {
  const [low, high] = extent(values) ?? [0, DAY];
  const to = high === low ? low + DAY : high;
  return scale([low, to], range, timeTicks(low, to, count));
}

export interface Band {
  (index: number): number;
  width: number;
  step: number;
}

/** Equal places for categories, with gaps between them. */
export function bandScale(count: number, range: [number, number], gap = 0.28): Band {
  const step = (range[1] - range[0]) / Math.max(1, count);
  const width = Math.max(1, step * (1 - gap));
  return Object.assign((index: number) => range[0] + index * step + (step - width) / 2, {
    width,
    step,
  });
}

/** The least and the greatest of many numbers. */
export function extent(values: readonly number[]): [number, number] | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : null;
}

/** The least and the greatest point of a stretch, in the order in which they come. */
function extremes<T extends { y: number }>(stretch: readonly T[]): T[] {
  let low = 0;
  let high = 0;
  stretch.forEach((point, at) => {
    if (point.y < (stretch[low]?.y ?? 0)) low = at;
    if (point.y > (stretch[high]?.y ?? 0)) high = at;
  });
  const places = low === high ? [low] : [Math.min(low, high), Math.max(low, high)];
  return places.flatMap((at) => stretch[at] ?? []);
}

/** Keeps the shape of a long line with few points: the least and greatest of each stretch. */
export function thin<T extends { y: number }>(points: readonly T[], most: number): T[] {
  if (points.length <= most) return [...points];
  const size = Math.ceil(points.length / (most / 2));
  const kept: T[] = [];
  for (let start = 0; start < points.length; start += size) {
    kept.push(...extremes(points.slice(start, start + size)));
  }
  return kept;
}
