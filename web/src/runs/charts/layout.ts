import type { Formats } from "@/ui/format";
import { type Band, bandScale, linearScale, type Scale, timeScale } from "./scales";
import { type ChartData, type ChartSpec, type Series, stack } from "./series";

export interface Frame {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface Axes {
  frame: Frame;
  y: Scale;
  /** For numbers and times. */
  x: Scale | null;
  /** For categories. */
  band: Band | null;
  xTicks: { at: number; label: string }[];
  yTicks: { at: number; label: string }[];
  /** Long names of categories are turned. */
  turned: boolean;
}

const LETTER = 6.4;
const WIDEST_LABEL = 16;

function widthOf(text: string): number {
  return [...text].reduce((sum, letter) => sum + (letter > "\u2e80" ? 11.5 : LETTER), 0);
}

export function shorten(text: string, most = WIDEST_LABEL): string {
  const letters = [...text];
  return letters.length > most ? `${letters.slice(0, most - 1).join("")}…` : text;
}

/** The heights that have to fit: of stacked series their sums. */
function heights(series: readonly Series[], spec: ChartSpec): number[] {
  if (!isStacked(spec)) return series.flatMap((each) => each.points.map((point) => point.y));
  return stack(series).flatMap((each) => each.flatMap(({ from, to }) => [from, to]));
}

export function isStacked(spec: ChartSpec): boolean {
  return spec.stacked && (spec.kind === "bar" || spec.kind === "area");
}

const DAY = 86_400_000;

/** How times are written on an axis: as exactly as its ticks need, days by their date. */
function timeLabels(ticks: readonly number[], locale: string): (tick: number) => string {
  const utc = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" });
  const months = ticks.length > 1 && ticks.every(beginsMonth);
  if (months) {
    const month = utc({ year: "numeric", month: "short" });
    return (tick) => month.format(tick);
  }
  const day = utc({ month: "short", day: "numeric" });
  const hour = utc({ hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  return (tick) => (tick % DAY === 0 ? day : hour).format(tick);
}

function beginsMonth(tick: number): boolean {
  return tick % DAY === 0 && new Date(tick).getUTCDate() === 1;
}

function categoryTicks(data: ChartData, band: Band, turned: boolean) {
  const room = turned ? 15 : 8;
  const widest = Math.max(...data.categories.map((name) => widthOf(shorten(name))), 1) + room;
  const need = turned ? room : widest;
  const every = Math.max(1, Math.ceil(need / band.step));
  return data.categories.flatMap((name, index) =>
    index % every === 0 ? [{ at: band(index) + band.width / 2, label: shorten(name) }] : [],
  );
}

interface Size {
  width: number;
  height: number;
}

/** Places axes and ticks in the room there is. */
export function layOut(data: ChartData, spec: ChartSpec, size: Size, formats: Formats): Axes {
  const values = heights(data.series, spec);
  const zero = spec.kind === "bar" || spec.kind === "area";
  const count = Math.max(2, Math.min(7, Math.floor(size.height / 52)));
  const probe = linearScale(values, [0, 1], { zero, ticks: count });
  const labels = probe.ticks.map((tick) => formats.compact(tick));
  const left = Math.ceil(Math.max(24, ...labels.map(widthOf))) + 14;
  const inner = size.width - left - 16;
  const names = data.categories.map((name) => widthOf(shorten(name)));
  const widest = Math.max(0, ...names);
  const step = inner / Math.max(1, data.categories.length);
  const turned = data.xKind === "category" && widest + 8 > step && data.categories.length > 6;
  const bottom = turned ? Math.min(78, widest * 0.62 + 20) : 26;
  const frame: Frame = {
    ...size,
    left,
    right: size.width - 16,
    top: 12,
    bottom: size.height - bottom,
  };
  const y = linearScale(values, [frame.bottom, frame.top], { zero, ticks: count });
  const yTicks = y.ticks.map((tick) => ({ at: y(tick), label: formats.compact(tick) }));
  if (data.xKind === "category") {
    const band = bandScale(data.categories.length, [frame.left, frame.right]);
    return { frame, y, x: null, band, xTicks: categoryTicks(data, band, turned), yTicks, turned };
  }
  const xs = data.series.flatMap((each) => each.points.map((point) => point.x));
  const range: [number, number] = [frame.left + 6, frame.right - 6];
  const ticks = Math.max(2, Math.floor(inner / 90));
  const x = data.xKind === "time" ? timeScale(xs, range, ticks) : linearScale(xs, range, { ticks });
  const label =
    data.xKind === "time"
      ? timeLabels(x.ticks, formats.locale)
      : (tick: number) => formats.compact(tick);
  const xTicks = x.ticks.map((tick) => ({ at: x(tick), label: label(tick) }));
  return { frame, y, x, band: null, xTicks, yTicks, turned: false };
}

/** Where a point stands from left to right. */
export function placeX(axes: Axes, x: number): number {
  if (axes.band) return axes.band(x) + axes.band.width / 2;
  return axes.x ? axes.x(x) : 0;
}
