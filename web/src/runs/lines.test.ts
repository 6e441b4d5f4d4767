import i18next from "i18next";
import { describe, expect, it } from "vitest";
import type { RunEvent } from "@/api/types";
import type { Formats } from "@/ui/format";
import { formatDuration, formatNumber } from "@/ui/format";
import { linesOf, passes } from "./lines";

const formats = {
  number: (value: number) => formatNumber(value, "en"),
  duration: (ms: number) => formatDuration(ms, "en"),
} as Formats;
const words = { t: i18next.getFixedT("en", "runs"), formats, language: "en" };

function event(seq: number, type: string, rest: Partial<RunEvent> = {}): RunEvent {
  return { seq, at: "2026-05-01T10:00:00Z", type, run: "run_1", ...rest };
}

const EVENTS = [
  event(1, "run_started"),
  event(3, "node_completed", { node: "a", duration_ms: 1_800, counts: { out: { rows: 1 } } }),
  event(4, "node_skipped", { node: "b", reason: "not_taken" }),
  event(5, "node_failed", { node: "c", failure: { code: "x.y", message: "no", hint: "Try." } }),
  event(6, "something_new"),
];
const LOGS = [
  { seq: 2, at: 0, level: "warning" as const, node: "a", scope: "", message: "short row" },
];
const lines = linesOf(EVENTS, LOGS, words);

describe("the log", () => {
  it("tells events and written lines in their order", () => {
    expect(lines.map((line) => line.text)).toEqual([
      "Run started",
      "short row",
      "Completed in 1.8 s, 1 record out",
      "Skipped: the other branch was taken",
      "Failed. no. Try.",
    ]);
  });

  it.each([
    ["all", 5],
    ["log", 1],
    ["warning", 2],
    ["error", 1],
  ] as const)("shows %s", (filter, count) => {
    expect(lines.filter((line) => passes(line, filter, ""))).toHaveLength(count);
  });

  it("tells of what was taken over once", () => {
    const events = [
      event(1, "node_started", { node: "a" }),
      event(2, "node_completed", { node: "a", restored: true, counts: { out: { rows: 2 } } }),
      event(3, "node_started", { node: "b" }),
    ];
    expect(linesOf(events, [], words).map((line) => line.text)).toEqual([
      "Taken over from before, 2 records out",
      "Started",
    ]);
  });

  it("finds words", () => {
    expect(lines.filter((line) => passes(line, "all", "ROW"))).toHaveLength(1);
  });
});
