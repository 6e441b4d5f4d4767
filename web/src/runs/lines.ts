import type { TFunction } from "i18next";
import type { Failure, RunEvent } from "@/api/types";
import { describeFailure, inOneLine } from "@/ui/errorText";
import type { Formats } from "@/ui/format";
import { timeOf } from "./reduce";
import type { LogLine } from "./types";

export type LineLevel = "info" | "good" | "warning" | "error";
export type LineFilter = "all" | "log" | "warning" | "error";

/** A line of the log: something a node wrote, or something that happened. */
export interface Line {
  seq: number;
  at: number;
  level: LineLevel;
  node: string | null;
  text: string;
  written: boolean;
}

const LEVELS: Record<string, LineLevel> = {
  node_completed: "good",
  run_completed: "good",
  node_failed: "error",
  run_failed: "error",
  run_cancelled: "warning",
  breakpoint_hit: "warning",
  node_retrying: "warning",
};

interface Words {
  t: TFunction<"runs">;
  formats: Formats;
  language: string;
}

function outOf(event: RunEvent): number {
  const counts = event.counts as { out?: Record<string, number> } | undefined;
  return Object.values(counts?.out ?? {}).reduce((sum, count) => sum + count, 0);
}

function failureText(event: RunEvent, words: Words): string {
  const failure = event.failure as Failure | undefined;
  if (!failure) return "";
  return inOneLine(describeFailure(failure, words.language));
}

function durationOf(event: RunEvent, words: Words): string {
  const ms = event.duration_ms as number | undefined;
  return ms === undefined ? "" : words.formats.duration(ms);
}

type Telling = (event: RunEvent, words: Words) => string;

const TELLINGS: Record<string, Telling> = {
  run_queued: (_event, { t }) => t("event.run_queued"),
  run_started: (_event, { t }) => t("event.run_started"),
  run_completed: (event, words) =>
    words.t("event.run_completed", { duration: durationOf(event, words) }),
  run_failed: (event, words) => words.t("event.run_failed", { reason: failureText(event, words) }),
  run_cancelled: (_event, { t }) => t("event.run_cancelled"),
  run_paused: (_event, { t }) => t("event.run_paused"),
  node_started: (_event, { t }) => t("event.node_started"),
  node_completed: (event, words) =>
    words.t(event.restored ? "event.node_restored" : "event.node_completed", {
      duration: durationOf(event, words),
      count: outOf(event),
      shown: words.formats.number(outOf(event)),
    }),
  node_failed: (event, words) =>
    words.t("event.node_failed", { reason: failureText(event, words) }),
  node_skipped: (event, { t }) => t("event.node_skipped", { reason: skipReason(event, t) }),
  node_cancelled: (_event, { t }) => t("event.node_cancelled"),
  run_resumed: (_event, { t }) => t("event.run_resumed"),
  breakpoint_hit: (_event, { t }) => t("event.breakpoint_hit"),
  node_retrying: (event, words) =>
    words.t("event.node_retrying", {
      attempt: Number(event.attempt ?? 1),
      delay: words.formats.duration(Number(event.delay_s ?? 0) * 1000),
      reason: failureText(event, words),
    }),
  node_waiting: (event, { t }) =>
    t("event.node_waiting", { message: String(event.message || event.signal || event.kind || "") }),
  variable_set: (event, { t }) => t("event.variable_set", { name: String(event.name ?? "") }),
};

const REASONS = [
  "disabled",
  "input_skipped",
  "not_taken",
  "not_selected",
  "unused",
  "input_failed",
  "reused",
  "error_skipped",
] as const;

/** Why a node was skipped, in words. */
export function skipReason(event: Readonly<Record<string, unknown>>, t: TFunction<"runs">): string {
  const known = REASONS.find((reason) => reason === event.reason);
  return known ? t(`skip.${known}`) : String(event.message ?? event.reason ?? "");
}

function ofEvent(event: RunEvent, words: Words): Line | null {
  const tell = TELLINGS[event.type];
  if (!tell) return null;
  return {
    seq: event.seq,
    at: timeOf(event.at) ?? 0,
    level: LEVELS[event.type] ?? "info",
    node: event.node ?? null,
    text: tell(event, words),
    written: false,
  };
}

function ofLog(line: LogLine): Line {
  const level = line.level === "error" || line.level === "warning" ? line.level : "info";
  return { ...line, level, text: line.message, written: true };
}

/** Events and written lines together, in their order. */
export function linesOf(
  events: readonly RunEvent[],
  logs: readonly LogLine[],
  words: Words,
): Line[] {
  // What is taken over was not started again.
  const place = (event: RunEvent) => `${event.node}@${event.scope ?? ""}`;
  const restored = new Set(events.filter((event) => event.restored).map(place));
  const told = events.flatMap((event) => {
    const over = event.type === "node_started" && restored.has(place(event));
    return over ? [] : (ofEvent(event, words) ?? []);
  });
  // Where an event names a place instead of its time, it happened right after the one before.
  let last = 0;
  for (const line of told) {
    line.at ||= last;
    last = line.at;
  }
  return [...told, ...logs.map(ofLog)].sort((a, b) => a.seq - b.seq);
}

/** Whether a line passes the filter. */
export function passes(line: Line, filter: LineFilter, query: string): boolean {
  if (query && !line.text.toLowerCase().includes(query.toLowerCase())) return false;
  if (filter === "log") return line.written;
  if (filter === "warning") return line.level === "warning" || line.level === "error";
  return filter === "all" || line.level === "error";
}
