import { describe, expect, it } from "vitest";
import type { RunEvent, RunInfo } from "@/api/types";
import { parsed } from "./debug/json";
import { reduceEvents, snapshotOf } from "./reduce";

const INFO: RunInfo = {
  id: "run_1",
  number: 1,
  flow_id: "flw_1",
  workspace_id: "wsp_1",
  state: "ready",
  env: "local",
  started_by: null,
  created_at: "2026-05-01T10:00:00Z",
  last_seq: 0,
  mode: "batch",
  priority: 0,
  children: 0,
};

let seq = 0;
function event(type: string, rest: Partial<RunEvent> = {}): RunEvent {
  seq += 1;
  return { seq, at: "2026-05-01T10:00:01Z", type, run: "run_1", ...rest };
}

const HIT = {
  stop: "loop/x@loop:1",
  node: "loop/x",
  scope: "loop:1",
  when: "before",
  reason: "breakpoint",
  hit: 2,
  values: { item: { kind: "value", inline: 5 } },
  edited: [],
};

describe("a run that stops", () => {
  const begun = [
    event("run_started", { nodes: ["loop", "x"] }),
    event("node_started", { node: "loop" }),
    event("node_started", { node: "loop/x", scope: "loop:0" }),
    event("node_completed", { node: "loop/x", scope: "loop:0", counts: { out: { out: 1 } } }),
  ];

  it("stands where it is told", () => {
    const run = reduceEvents(snapshotOf(INFO), [
      ...begun,
      event("breakpoint_hit", HIT),
      event("run_paused", { reason: "breakpoint" }),
    ]);
    expect(run).toMatchObject({ state: "paused", pauseReason: "breakpoint" });
    expect(run.stops).toMatchObject([{ at: "loop/x@loop:1", ports: ["item"], hit: 2 }]);
    expect(run.nodes["loop/x"]?.state).toBe("paused");
    expect(run.hits).toEqual({ "loop/x before": 2 });
  });

  it("shows what somebody edited, and goes on", () => {
    const edited = { ...HIT, values: { item: { kind: "value", inline: 6 } }, edited: ["item"] };
    const before = reduceEvents(snapshotOf(INFO), [...begun, event("breakpoint_hit", HIT)]);
    const run = reduceEvents(before, [event("breakpoint_hit", edited)]);
    expect(run.stops).toMatchObject([{ edited: ["item"], values: { item: { inline: 6 } } }]);
    const on = reduceEvents(run, [
      event("breakpoint_left", { stop: HIT.stop, node: "loop/x", scope: "loop:1" }),
      event("run_resumed"),
    ]);
    expect(on).toMatchObject({ state: "running", stops: [], pauseReason: null });
    expect(on.nodes["loop/x"]?.state).toBe("completed");
  });

  it("says who paused it", () => {
    const run = reduceEvents(snapshotOf(INFO), [
      event("run_started", { nodes: [] }),
      event("run_paused", { reason: "asked", by: { id: "u", name: "Bo" } }),
    ]);
    expect(run).toMatchObject({ state: "paused", pauseReason: "asked", pausedBy: "Bo" });
  });

  it("counts all rounds of a node in a loop, and keeps a failure in sight", () => {
    const run = reduceEvents(snapshotOf(INFO), [
      ...begun,
      event("node_started", { node: "loop/x", scope: "loop:1" }),
      event("node_failed", {
        node: "loop/x",
        scope: "loop:1",
        failure: { code: "a.b", message: "no" },
      }),
      event("node_started", { node: "loop/x", scope: "loop:2" }),
      event("node_completed", { node: "loop/x", scope: "loop:2", counts: { out: { out: 1 } } }),
    ]);
    expect(run.nodes["loop/x"]).toMatchObject({ state: "failed", ended: 3, failed: 1, open: 0 });
    expect(run.nodes["loop/x"]?.counts.out).toEqual({ out: 2 });
  });
});

describe("a run that waits", () => {
  it("tells what for, until it is answered", () => {
    const wait = { node: "ask", kind: "approval", due: 1_780_000_000, message: "Pay?", data: 1 };
    const run = reduceEvents(snapshotOf(INFO), [
      event("run_started", { nodes: ["ask"] }),
      event("node_started", { node: "ask" }),
      event("node_waiting", wait),
    ]);
    expect(run.waits).toMatchObject([
      { node: "ask", kind: "approval", due: 1_780_000_000_000, message: "Pay?" },
    ]);
    expect(run.nodes.ask?.state).toBe("paused");
    const on = reduceEvents(run, [event("node_completed", { node: "ask" })]);
    expect(on.waits).toEqual([]);
  });
});

describe("JSON that is typed", () => {
  it.each([
    ['{"a": 1}', { ok: true, value: { a: 1 } }],
    ["[1, 2", { ok: false, line: 1, column: 6 }],
    ['{\n  "a": x\n}', { ok: false, line: 2, column: 8 }],
  ])("%j", (text, expected) => {
    expect(parsed(text)).toMatchObject(expected);
  });
});
