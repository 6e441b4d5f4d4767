import type { Json, RunEvent } from "@/api/types";

const KEPT = 100;

/** The records of a node that sampling has shown, the newest first. */
export function samplesOf(events: readonly RunEvent[], node: string): Json[] {
  const found: Json[] = [];
  for (let at = events.length - 1; at >= 0 && found.length < KEPT; at -= 1) {
    const event = events[at];
    if (event?.type !== "node_sample" || event.node !== node) continue;
    found.push(...[...((event.records as Json[] | undefined) ?? [])].reverse());
  }
  return found.slice(0, KEPT);
}
