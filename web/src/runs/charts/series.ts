/** Turns records into the series of a chart. */
import type { Json, JsonObject } from "@/api/types";

export type ChartKind = "bar" | "line" | "area" | "scatter" | "pie";
export type XKind = "category" | "number" | "time";

export interface ChartSpec {
  kind: ChartKind;
  x: string;
  /** One or several columns of numbers. */
  y: string[];
  /** A column whose values make one series each. */
  series: string | null;
  stacked: boolean;
}

export interface Point {
  x: number;
  y: number;
  label: string;
}

export interface Series {
  name: string;
  points: Point[];
}

export interface ChartData {
  xKind: XKind;
  /** The categories in their order, when x is one. */
  categories: string[];
  series: Series[];
  /** Records that could not be drawn because a value was missing or no number. */
  left_out: number;
}

const DATE = /^\d{4}-\d{2}(-\d{2})?([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/;

/** The moment a text names, if it is a date or time in ISO form. */
export function timeOfText(value: Json | undefined): number | null {
  if (typeof value !== "string" || !DATE.test(value)) return null;
  const text = value.replace(" ", "T");
  // A time without a zone is taken as it stands, so that the axis shows the same digits.
  const zoned = /(Z|[+-]\d{2}:?\d{2})$/.test(text) || text.length <= 10 ? text : `${text}Z`;
  const time = Date.parse(zoned);
  return Number.isNaN(time) ? null : time;
}

function numberOf(value: Json | undefined): number | null {
  return typeof value === "number" && Number.isFinite(value) ? value : null;
}

export function textOfValue(value: Json | undefined): string {
  if (value === undefined || value === null) return "–";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function xKindOf(rows: readonly JsonObject[], spec: ChartSpec): XKind {
  if (spec.kind === "pie") return "category";
  const values = rows.map((row) => row[spec.x]).filter((value) => value != null);
  if (values.length === 0) return "category";
  if (spec.kind !== "bar" && values.every((value) => numberOf(value) !== null)) return "number";
  const times = spec.kind !== "bar" && values.every((value) => timeOfText(value) !== null);
  return times ? "time" : "category";
}

interface Gathered {
  categories: Map<string, number>;
  series: Map<string, Series>;
  left_out: number;
}

function xOf(value: Json | undefined, kind: XKind, gathered: Gathered): number | null {
  if (kind === "number") return numberOf(value);
  if (kind === "time") return timeOfText(value);
  const name = textOfValue(value);
  const known = gathered.categories.get(name);
  if (known !== undefined) return known;
  const index = gathered.categories.size;
  gathered.categories.set(name, index);
  return index;
}

function seriesFor(gathered: Gathered, name: string): Series {
  const known = gathered.series.get(name);
  if (known) return known;
  const made: Series = { name, points: [] };
  gathered.series.set(name, made);
  return made;
}

function gather(row: JsonObject, column: string, spec: ChartSpec, kind: XKind, into: Gathered) {
  const y = numberOf(row[column]);
  const x = y === null ? null : xOf(row[spec.x], kind, into);
  if (x === null || y === null) {
    into.left_out += 1;
    return;
  }
  const name = spec.series ? textOfValue(row[spec.series]) : column;
  seriesFor(into, name).points.push({ x, y, label: textOfValue(row[spec.x]) });
}

/** Sorts records into series, in the order in which they come. */
export function chartData(rows: readonly JsonObject[], spec: ChartSpec): ChartData {
  const xKind = xKindOf(rows, spec);
  const gathered: Gathered = { categories: new Map(), series: new Map(), left_out: 0 };
  for (const row of rows) {
    for (const column of spec.y) gather(row, column, spec, xKind, gathered);
  }
  const series = [...gathered.series.values()];
  if (xKind !== "category" && spec.kind !== "scatter") {
    for (const each of series) each.points.sort((a, b) => a.x - b.x);
  }
  return {
    xKind,
    categories: [...gathered.categories.keys()],
    series,
    left_out: gathered.left_out,
  };
}

const KINDS = new Set<string>(["bar", "line", "area", "scatter", "pie"]);

function columnsIn(value: Json | undefined): string[] {
  if (typeof value === "string" && value) return [value];
  return Array.isArray(value)
    ? value.filter((each): each is string => typeof each === "string")
    : [];
}

/** What a chart node's settings ask for; sensible columns where they leave it open. */
export function specOf(settings: JsonObject, rows: readonly JsonObject[]): ChartSpec {
  const kind = KINDS.has(String(settings.kind)) ? (settings.kind as ChartKind) : "bar";
  const columns = Object.keys(rows[0] ?? {});
  const numeric = columns.filter((column) => rows.some((row) => numberOf(row[column]) !== null));
  const x = columnsIn(settings.x)[0] ?? guessX(columns, numeric, kind);
  const wanted = columnsIn(settings.y);
  const y = wanted.length > 0 ? wanted : numeric.filter((column) => column !== x).slice(0, 1);
  const series = columnsIn(settings.series)[0] ?? null;
  return { kind, x, y, series, stacked: settings.stacked === true };
}

function guessX(columns: string[], numeric: string[], kind: ChartKind): string {
  const words = columns.find((column) => !numeric.includes(column));
  const first = kind === "scatter" ? numeric[0] : undefined;
  return first ?? words ?? columns[0] ?? "";
}

/** Stacks series over each other: for each point where its part begins and ends. */
export function stack(series: readonly Series[]): { from: number; to: number; point: Point }[][] {
  const up = new Map<number, number>();
  const down = new Map<number, number>();
  return series.map((each) =>
    each.points.map((point) => {
      const sums = point.y < 0 ? down : up;
      const from = sums.get(point.x) ?? 0;
      sums.set(point.x, from + point.y);
      return { from, to: from + point.y, point };
    }),
  );
}
