/** What a bar is made of: waiting in line, attempts, rests between them, parked time, work. */
import type { Activation } from "../activations";
import type { Row } from "./rows";

export type Part = "queued" | "work" | "failed" | "rest" | "parked";

export interface Segment {
  part: Part;
  from: number;
  to: number;
}

/** The parts of a row in the order of time; `now` ends what is still under way. */
export function segmentsOf(row: Row, now: number): Segment[] {
  if (row.from === null) return [];
  const end = Math.max(row.from, row.to ?? now);
  const parts: Segment[] = [];
  if (row.ready !== null && row.ready < row.from) {
    parts.push({ part: "queued", from: row.ready, to: row.from });
  }
  const breaks = row.activation ? breaksOf(row.activation, end) : [];
  let at = row.from;
  for (const each of breaks) {
    if (each.from > at) {
      parts.push({ part: each.part === "rest" ? "failed" : "work", from: at, to: each.from });
    }
    parts.push(each);
    at = Math.max(at, each.to);
  }
  if (at < end || parts.every((each) => each.part === "queued")) {
    parts.push({ part: "work", from: at, to: end });
  }
  return parts;
}

function breaksOf({ retries, waits }: Activation, end: number): Segment[] {
  const found: Segment[] = [
    ...retries.map(({ from, delayMs }) => ({
      part: "rest" as const,
      from,
      to: Math.min(end, from + delayMs),
    })),
    ...waits.map(({ from, to }) => ({
      part: "parked" as const,
      from,
      to: Math.min(end, to ?? end),
    })),
  ];
  return found.filter((each) => each.from <= end).sort((a, b) => a.from - b.from);
}
