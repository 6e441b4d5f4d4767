/** Which node of a run is worth looking at. */
import type { NodeLook } from "./nodes";
import type { NodeRun } from "./types";

export interface Seen {
  look: Pick<NodeLook, "id" | "type">;
  run: Pick<NodeRun, "state" | "counts">;
}

/**
 * The node that is worth looking at when none is selected: what failed, what shows something, the
 * last that gave something.
 */
export function bestOf(items: readonly Seen[]): string | null {
  const failed = items.find((item) => item.run.state === "failed");
  const gave = items.filter((item) => done(item) && totalOf(item.run) > 0);
  const shows = gave.find((item) => item.look.type === "show.chart");
  const table = gave.find((item) => item.look.type.startsWith("show."));
  const best = failed ?? shows ?? table ?? gave.at(-1) ?? items.findLast(done) ?? items[0];
  return best?.look.id ?? null;
}

/** How many records a node gave, all ports together. */
export function totalOf(run: Seen["run"]): number {
  return Object.values(run.counts.out).reduce((sum, count) => sum + count, 0);
}

function done(item: Seen): boolean {
  return item.run.state === "completed";
}
