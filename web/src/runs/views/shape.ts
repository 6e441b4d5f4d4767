import type { Json, JsonObject, PortData } from "@/api/types";
import { areRecords } from "./columns";

export type View = "table" | "chart" | "json" | "text";

/** The output of a port as a list: of a stream its records, of a value its items or itself. */
export function itemsOf(port: PortData): Json[] {
  if (port.kind === "records") return port.records ?? [];
  if (Array.isArray(port.value)) return port.value;
  return port.value === undefined ? [] : [port.value];
}

/** The same as rows of a table; null when it does not suit one. */
export function rowsOf(port: PortData): JsonObject[] | null {
  const items = itemsOf(port);
  if (areRecords(items)) return port.kind === "value" && !Array.isArray(port.value) ? null : items;
  const plain = items.every((item) => item === null || typeof item !== "object");
  const several = port.kind === "records" || Array.isArray(port.value);
  return several && plain && items.length > 0 ? items.map((value) => ({ value })) : null;
}

/** In which ways an output can be looked at, the best first. */
export function viewsOf(port: PortData, isChart: boolean): View[] {
  const rows = rowsOf(port);
  const items = itemsOf(port);
  const texts = items.length > 0 && items.every((item) => typeof item === "string");
  const views: View[] = [];
  if (isChart && rows) views.push("chart");
  if (texts && port.kind === "value") views.push("text");
  if (rows) views.push("table");
  if (rows && !isChart && hasNumbers(rows)) views.push("chart");
  if (texts && port.kind === "records") views.push("text");
  views.push("json");
  return views;
}

function hasNumbers(rows: readonly JsonObject[]): boolean {
  const first = rows.slice(0, 20);
  return (
    first.some((row) => Object.values(row).some((value) => typeof value === "number")) &&
    Object.keys(rows[0] ?? {}).length > 1
  );
}

/** A port's whole value as JSON, for copying and downloading. */
export function jsonOf(port: PortData): string {
  return JSON.stringify(port.kind === "records" ? (port.records ?? []) : port.value, null, 2);
}

function csvCell(value: Json | undefined): string {
  if (value === undefined || value === null) return "";
  const text = typeof value === "object" ? JSON.stringify(value) : String(value);
  return /[",\r\n]/.test(text) || text !== text.trim() ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Rows as CSV by RFC 4180. */
export function csvOf(rows: readonly JsonObject[]): string {
  const names = new Set<string>();
  for (const row of rows) for (const name of Object.keys(row)) names.add(name);
  const columns = [...names];
  const lines = [columns.map(csvCell), ...rows.map((row) => columns.map((c) => csvCell(row[c])))];
  return `${lines.map((cells) => cells.join(",")).join("\r\n")}\r\n`;
}
