/** What the columns of records hold: their types, widths and a small picture of their values. */
import type { Json, JsonObject } from "@/api/types";
import { timeOfText } from "../charts/series";

export type ColumnType = "number" | "text" | "date" | "boolean" | "object" | "mixed" | "empty";

export interface Column {
  name: string;
  type: ColumnType;
  /** In pixels. */
  width: number;
  /** How many of the looked-at values are missing. */
  nulls: number;
  /** How often values fall into each of equal parts, or how often the commonest ones occur. */
  bars: number[];
  least: Json;
  most: Json;
  distinct: number;
  /** Decimals that all its numbers are shown with, so that they line up. */
  decimals: number;
}

export const LOOKED_AT = 1_000;
const NARROWEST = 92;
const WIDEST = 320;
const BARS = 14;
const NOTHING_WANTED: readonly string[] = [];

export function isRecord(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether values can stand in a table: all of them are objects. */
export function areRecords(values: readonly Json[]): values is JsonObject[] {
  return values.length > 0 && values.every(isRecord);
}

function typeOf(value: Json): ColumnType {
  if (typeof value === "number") return "number";
  if (typeof value === "boolean") return "boolean";
  if (typeof value === "object") return "object";
  return timeOfText(value) === null ? "text" : "date";
}

export function typeOfAll(values: readonly Json[]): ColumnType {
  const types = new Set(values.map(typeOf));
  if (types.size === 0) return "empty";
  if (types.size === 1) return [...types][0] as ColumnType;
  // A date among words is only a word.
  if (types.size === 2 && types.has("date") && types.has("text")) return "text";
  return "mixed";
}

export function cellText(value: Json | undefined): string {
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

function widthOf(text: string): number {
  let width = 0;
  for (const letter of text.slice(0, 60)) width += letter > "\u2e80" ? 13 : 7.6;
  return width;
}

function histogram(values: readonly number[], least: number, most: number): number[] {
  const bars = new Array<number>(BARS).fill(0);
  const span = most - least || 1;
  for (const value of values) {
    const at = Math.min(BARS - 1, Math.floor(((value - least) / span) * BARS));
    bars[at] = (bars[at] ?? 0) + 1;
  }
  return bars;
}

const MOST_DECIMALS = 3;

/** The most decimals any of the numbers has; none when that would only add noise. */
function decimalsOf(values: readonly Json[], type: ColumnType): number {
  if (type !== "number") return 0;
  const count = (value: Json) => String(value).split(".")[1]?.length ?? 0;
  const most = values.reduce<number>((found, value) => Math.max(found, count(value)), 0);
  return most <= MOST_DECIMALS ? most : 0;
}

function summary(values: readonly Json[], type: ColumnType) {
  const texts = values.map(cellText);
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  const numbers =
    type === "number"
      ? (values as number[])
      : type === "date"
        ? values.map((value) => timeOfText(value) ?? 0)
        : [];
  const distinct = counts.size;
  if (numbers.length > 0) {
    const least = numbers.reduce((a, b) => Math.min(a, b));
    const most = numbers.reduce((a, b) => Math.max(a, b));
    return { bars: histogram(numbers, least, most), least, most, distinct };
  }
  const repeated = distinct < values.length && type !== "object";
  const bars = repeated ? [...counts.values()].sort((a, b) => b - a).slice(0, BARS) : [];
  return { bars, least: null, most: null, distinct };
}

function describe(name: string, rows: readonly JsonObject[]): Column {
  const all = rows.map((row) => row[name]);
  const values = all.filter((value): value is Json => value !== undefined && value !== null);
  const type = typeOfAll(values);
  const widest = Math.max(
    widthOf(name) + 30,
    ...values.slice(0, 100).map((value) => widthOf(cellText(value))),
  );
  return {
    name,
    type,
    width: Math.round(Math.min(WIDEST, Math.max(NARROWEST, widest + 24))),
    nulls: all.length - values.length,
    decimals: decimalsOf(values, type),
    ...summary(values, type),
  };
}

/**
 * The columns of records, in the order in which they first appear; those that are `wanted` alone,
 * in that order, where the records have any of them.
 */
export function columnsOf(
  rows: readonly JsonObject[],
  wanted: readonly string[] = NOTHING_WANTED,
): Column[] {
  const looked = rows.slice(0, LOOKED_AT);
  const names = new Set<string>();
  for (const row of looked) for (const name of Object.keys(row)) names.add(name);
  const chosen = [...new Set(wanted)].filter((name) => names.has(name));
  return (chosen.length > 0 ? chosen : [...names]).map((name) => describe(name, looked));
}
