import { describe, expect, it } from "vitest";
import type { RunEvent, RunInfo } from "@/api/types";
import { isActive, NO_RUN, reduceEvents, snapshotOf } from "./reduce";

const START = Date.parse("2026-05-01T10:00:00.000Z");
const at = (ms: number) => new Date(START + ms).toISOString();

function event(seq: number, type: string, rest: Partial<RunEvent> = {}): RunEvent {
  return { seq, at: at(seq * 100), type, run: "run_1", ...rest };
}

const INFO: RunInfo = {
  id: "run_1",
  number: 12,
  flow_id: "flw_1",
  workspace_id: "wsp_1",
  state: "ready",
  env: "local",
  started_by: { id: "usr_1", name: "Bo" },
  created_at: at(0),
  last_seq: 0,
  mode: "batch",
  priority: 0,
  children: 0,
};

const WHOLE = [
  event(1, "run_started", { nodes: ["read", "keep", "off"] }),
  event(2, "node_started", { node: "read" }),
  event(3, "node_progress", { node: "read", counts: { in: 0, out: { rows: 40 } } }),
  event(4, "log", { node: "read", level: "warning", message: "short row" }),
  event(5, "node_output", { node: "read", port: "rows", type: "Row", count: 100 }),
  event(6, "node_completed", { node: "read", duration_ms: 380, counts: { out: { rows: 100 } } }),
  event(7, "node_skipped", { node: "off", reason: "disabled" }),
  event(8, "node_started", { node: "keep" }),
  event(9, "node_failed", { node: "keep", failure: { code: "node.failed", message: "no" } }),
  event(10, "run_failed", { duration_ms: 900, failure: { code: "node.failed", message: "no" } }),
];

describe("a run", () => {
  it("moves with its events", () => {
    const run = reduceEvents(snapshotOf(INFO), WHOLE);
    expect(run).toMatchObject({ state: "failed", seq: 10, number: 12 });
    expect(run.nodes.read).toMatchObject({ state: "completed", durationMs: 380 });
    expect(run.nodes.read?.counts.out).toEqual({ rows: 100 });
    expect(run.nodes.off).toMatchObject({ state: "skipped", reason: "disabled" });
    expect(run.nodes.keep?.failure?.code).toBe("node.failed");
    expect(run.startedAt).toBe(START + 100);
    expect(run.endedAt).toBe(START + 1000);
  });

  it("ends the same in one batch or event by event", () => {
    const once = reduceEvents(snapshotOf(INFO), WHOLE);
    const stepwise = WHOLE.reduce((run, each) => reduceEvents(run, [each]), snapshotOf(INFO));
    expect(stepwise).toEqual(once);
  });

  it("ignores what it has already, and other runs", () => {
    const run = reduceEvents(snapshotOf(INFO), WHOLE.slice(0, 5));
    expect(reduceEvents(run, WHOLE.slice(0, 5))).toBe(run);
    expect(reduceEvents(run, [event(99, "run_failed", { run: "run_2" })])).toBe(run);
  });

  it("knows without its events why a node was skipped", () => {
    const off = { state: "skipped", attempts: 1, count_in: 0, reason: "not_taken" } as const;
    expect(snapshotOf({ ...INFO, nodes: { off } }).nodes.off?.reason).toBe("not_taken");
  });

  it("lets nodes wait until they begin", () => {
    const run = reduceEvents(snapshotOf(INFO), WHOLE.slice(0, 1));
    expect(run.nodes.keep?.state).toBe("queued");
    expect(isActive(run.state)).toBe(true);
  });

  it("settles what was at work when the run was stopped", () => {
    const before = reduceEvents(snapshotOf(INFO), WHOLE.slice(0, 3));
    const run = reduceEvents(before, [event(20, "run_cancelled", { duration_ms: 5 })]);
    expect(run.state).toBe("cancelled");
    expect(run.nodes.read?.state).toBe("cancelled");
    expect(run.nodes.keep?.state).toBe("idle");
  });

  it("keeps written lines apart from events, and counts progress without listing it", () => {
    const run = reduceEvents(snapshotOf(INFO), WHOLE);
    expect(run.logs).toEqual([
      { seq: 4, at: START + 400, level: "warning", node: "read", scope: "", message: "short row" },
    ]);
    expect(run.events.map((each) => each.type)).not.toContain("node_progress");
  });

  it("counts progress while it runs", () => {
    const run = reduceEvents(snapshotOf(INFO), WHOLE.slice(0, 3));
    expect(run.nodes.read?.counts.out).toEqual({ rows: 40 });
  });

  it("does not go back when the events of an ended run are read again", () => {
    const read = { state: "completed" as const, attempts: 1, duration_ms: 380, count_in: 0 };
    const nodes = { read: { ...read, count_out: { rows: 7 } } };
    const ended = snapshotOf({ ...INFO, state: "completed", ended_at: at(900), nodes });
    const run = reduceEvents(ended, WHOLE.slice(0, 4));
    expect(run.state).toBe("completed");
    expect(run.nodes.read).toMatchObject({ state: "completed", counts: { out: { rows: 7 } } });
    expect(run.logs).toHaveLength(1);
  });

  it("keeps the identity of nodes that did not change", () => {
    const run = reduceEvents(snapshotOf(INFO), WHOLE.slice(0, 6));
    const next = reduceEvents(run, [WHOLE[6] as RunEvent]);
    expect(next.nodes.read).toBe(run.nodes.read);
  });
});

it("knows nothing before a run", () => {
  expect(reduceEvents(NO_RUN, WHOLE)).toBe(NO_RUN);
});
