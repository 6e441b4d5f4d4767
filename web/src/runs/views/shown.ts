/** What a node that shows something wants to have shown of what came in. */
import type { JsonObject, PortData } from "@/api/types";

export interface Shown {
  port: PortData;
  /** The columns in their order; all of them when undefined. */
  columns: string[] | undefined;
}

function limitOf(settings: JsonObject): number {
  const { limit } = settings;
  return typeof limit === "number" && limit >= 1 ? limit : Number.POSITIVE_INFINITY;
}

function columnsIn(settings: JsonObject): string[] | undefined {
  const { columns } = settings;
  if (!Array.isArray(columns)) return undefined;
  const names = columns.filter((name): name is string => typeof name === "string" && name !== "");
  return names.length > 0 ? names : undefined;
}

function cut(port: PortData, limit: number): PortData {
  if (port.kind === "records") {
    if (port.count <= limit) return port;
    return { ...port, count: limit, records: (port.records ?? []).slice(0, limit) };
  }
  const { value } = port;
  return Array.isArray(value) && value.length > limit
    ? { ...port, value: value.slice(0, limit) }
    : port;
}

/** A port as the settings of the node that shows it ask for; of other nodes as it is. */
export function shownOf(type: string | undefined, settings: JsonObject, port: PortData): Shown {
  if (!type?.startsWith("show.")) return { port, columns: undefined };
  const columns = type === "show.table" ? columnsIn(settings) : undefined;
  return { port: cut(port, limitOf(settings)), columns };
}
