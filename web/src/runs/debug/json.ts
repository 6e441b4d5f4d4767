/** JSON as people type it, with the place of the first mistake. */
import type { Json } from "@/api/types";

export type Parsed =
  | { ok: true; value: Json }
  | { ok: false; line: number; column: number; message: string };

/** Reads a JSON text; browsers tell the place of a mistake in different words. */
export function parsed(text: string): Parsed {
  try {
    return { ok: true, value: JSON.parse(text) as Json };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    const { line, column } = placeOf(text, message);
    return { ok: false, line, column, message };
  }
}

function placeOf(text: string, message: string): { line: number; column: number } {
  const named = /line (\d+) column (\d+)/.exec(message);
  if (named) return { line: Number(named[1]), column: Number(named[2]) };
  const position = /position (\d+)/.exec(message);
  const at = position ? Math.min(Number(position[1]), text.length) : text.length;
  const before = text.slice(0, at).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

export const written = (value: Json): string => JSON.stringify(value, null, 2) ?? "null";
