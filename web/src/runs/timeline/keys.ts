/** What the keys do on the rows of the timeline. */
import type { Row } from "./rows";

export type Act =
  | { do: "go"; to: number }
  | { do: "open" | "close" | "show"; row: Row }
  | { do: "zoom"; factor: number }
  | { do: "fit" };

const STEP = 1.6;
const PAGE = 10;
const MOVES: Record<string, (at: number, count: number) => number> = {
  ArrowDown: (at) => at + 1,
  ArrowUp: (at) => at - 1,
  PageDown: (at) => at + PAGE,
  PageUp: (at) => at - PAGE,
  Home: () => 0,
  End: (_at, count) => count - 1,
};
const ZOOMS: Record<string, Act> = {
  "+": { do: "zoom", factor: 1 / STEP },
  "=": { do: "zoom", factor: 1 / STEP },
  "-": { do: "zoom", factor: STEP },
  "0": { do: "fit" },
};

/** What a key means at a row; nothing when it is none of the timeline's. */
export function actOf(key: string, rows: readonly Row[], at: number): Act | null {
  const move = MOVES[key];
  if (move) {
    return { do: "go", to: Math.max(0, Math.min(rows.length - 1, move(at, rows.length))) };
  }
  return ZOOMS[key] ?? ofRow(key, rows, at);
}

function ofRow(key: string, rows: readonly Row[], at: number): Act | null {
  const row = rows[at];
  if (!row) return null;
  if (key === "Enter") return { do: "show", row };
  if (key === "ArrowRight" && row.open === false) return { do: "open", row };
  if (key !== "ArrowLeft") return null;
  return row.open ? { do: "close", row } : { do: "go", to: parentOf(rows, at) };
}

function parentOf(rows: readonly Row[], index: number): number {
  const level = rows[index]?.level ?? 1;
  for (let at = index - 1; at >= 0; at--) if ((rows[at]?.level ?? 1) < level) return at;
  return index;
}
