import { describe, expect, it } from "vitest";
import type { RunEvent } from "@/api/types";
import { ActivationLog } from "../activations";
import { IDLE_NODE, NODE_CHANGES } from "../reduceNode";
import type { NodeRun } from "../types";
import { criticalOf, keyOf, type Row, rowsOf, type Wiring } from "./rows";
import { segmentsOf } from "./segments";
import { panned, zoomed } from "./view";

let seq = 0;
function event(at: number, type: string, node: string, scope = "", rest = {}): RunEvent {
  seq += 1;
  const time = new Date(at).toISOString();
  return { seq, at: time, type, run: "r", node, ...(scope && { scope }), ...rest };
}

function logOf(...events: RunEvent[]): ActivationLog {
  const log = new ActivationLog();
  for (const each of events) log.apply(each, Date.parse(each.at));
  return log;
}

function nodesOf(...events: RunEvent[]): Record<string, NodeRun> {
  const nodes: Record<string, NodeRun> = {};
  for (const each of events) {
    const node = each.node ?? "";
    const change = NODE_CHANGES[each.type];
    if (change) nodes[node] = change(nodes[node] ?? IDLE_NODE, each, Date.parse(each.at));
  }
  return nodes;
}

const FEEDS: Record<string, string[]> = { b: ["a"], c: ["a"], d: ["b", "c"] };
const WIRING: Wiring = {
  sources: (path) => FEEDS[path] ?? [],
  depth: (path) => path.length,
};

const went = (node: string, from: number, to: number, scope = "", type = "node_completed") => [
  event(from, "node_started", node, scope),
  event(to, type, node, scope, { duration_ms: to - from }),
];

const DIAMOND = [
  ...went("a", 1_000, 1_100),
  ...went("b", 1_150, 1_200),
  ...went("c", 1_100, 1_500),
  ...went("d", 1_500, 1_600),
];
const LOOP = [
  event(1_000, "node_started", "loop"),
  ...went("loop/x", 1_000, 1_100, "loop:0"),
  ...went("loop/y", 1_100, 1_150, "loop:0"),
  ...went("loop/x", 1_010, 1_050, "loop:1", "node_failed"),
  event(1_200, "node_completed", "loop"),
];

function rows(events: RunEvent[], ...opened: string[]): Row[] {
  return rowsOf({
    log: logOf(...events),
    nodes: nodesOf(...events),
    wiring: WIRING,
    opened: new Set(opened),
    begin: 1_000,
  });
}

describe("rows of the timeline", () => {
  it("come in the order in which nodes began, with the time they waited in line", () => {
    const found = rows(DIAMOND);
    expect(found.map((row) => row.path)).toEqual(["a", "c", "b", "d"]);
    expect(found.find((row) => row.path === "b")?.ready).toBe(1_100);
    expect(found.find((row) => row.path === "c")?.ready).toBeNull();
  });

  it("mark the chain that decided how long it took", () => {
    const list = logOf(...DIAMOND).top;
    expect([...criticalOf(list, WIRING)].sort()).toEqual(["a", "c", "d"]);
  });

  it("fold the rounds of a container until it is opened", () => {
    const folded = rows(LOOP);
    expect(folded).toHaveLength(1);
    expect(folded[0]).toMatchObject({ open: false, rounds: { done: 2, failed: 1, count: 2 } });
    const opened = rows(LOOP, keyOf("loop", ""), "round loop:0");
    expect(opened.map((row) => [row.level, row.round ?? row.path, row.state])).toEqual([
      [1, "loop", "completed"],
      [2, "loop:0", "completed"],
      [3, "loop/x", "completed"],
      [3, "loop/y", "completed"],
      [2, "loop:1", "failed"],
    ]);
  });

  it("show the only round of a called flow without a row of its own", () => {
    const call = [
      event(1_000, "node_started", "call"),
      ...went("call/in", 1_000, 1_010, "call:0"),
      event(1_020, "node_completed", "call"),
    ];
    const found = rows(call, keyOf("call", ""));
    expect(found.map((row) => [row.level, row.path])).toEqual([
      [1, "call"],
      [2, "call/in"],
    ]);
  });

  it("tell how many rounds were only counted", () => {
    const many = [...LOOP, event(1_150, "node_progress", "loop", "", { done: 10, total: 5_000 })];
    const found = rows(many, keyOf("loop", ""));
    expect(found.at(-1)?.untold).toBe(4_998);
  });

  it("are as many as there are rounds, quickly enough to be made at every look", () => {
    const many = Array.from({ length: 10_000 }, (_, at) =>
      went("loop/x", 1_000 + at, 1_001 + at, `loop:${at}`),
    ).flat();
    const found = rows([event(1_000, "node_started", "loop"), ...many], keyOf("loop", ""));
    expect(found).toHaveLength(10_001);
  });
});

describe("a bar", () => {
  it("is made of attempts, rests and parked time", () => {
    const events = [
      event(1_000, "node_started", "a"),
      event(1_100, "node_retrying", "a", "", { attempt: 1, delay_s: 0.2 }),
      event(1_300, "node_started", "a", "", { attempt: 2 }),
      event(1_400, "node_waiting", "a"),
      event(1_900, "node_completed", "a"),
    ];
    const [row] = rows(events);
    expect(segmentsOf(row as Row, 2_000).map(({ part, from, to }) => [part, from, to])).toEqual([
      ["failed", 1_000, 1_100],
      ["rest", 1_100, 1_300],
      ["work", 1_300, 1_400],
      ["parked", 1_400, 1_900],
    ]);
    expect(row?.activation?.attempts).toBe(2);
  });

  it("grows until now while it is under way", () => {
    const [row] = rows([event(1_000, "node_started", "a")]);
    expect(segmentsOf(row as Row, 1_250)).toEqual([{ part: "work", from: 1_000, to: 1_250 }]);
  });
});

describe("the stretch that is shown", () => {
  it("keeps the point under the pointer where it is", () => {
    const view = zoomed({ from: 0, to: 1_000 }, 1_000, 0.5, 800);
    expect(view).toEqual({ from: 400, to: 900 });
    expect((800 - view.from) / (view.to - view.from)).toBeCloseTo(0.8);
  });

  it("stays within the run", () => {
    expect(panned({ from: 400, to: 900 }, 1_000, 500)).toEqual({ from: 500, to: 1_000 });
    expect(zoomed({ from: 400, to: 900 }, 1_000, 10, 500)).toEqual({ from: 0, to: 1_000 });
  });
});
