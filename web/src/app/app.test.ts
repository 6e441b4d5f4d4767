import { describe, expect, it } from "vitest";
import type { FlowInfo } from "@/api/types";
import { fileName } from "@/ui/download";
import { asJson, looksLikeFlow } from "./home/importing";
import { isLive, lastRunOf, withEvent } from "./home/live";
import { pictureOf } from "./home/preview";
import { nextPath } from "./nextPath";
import { isLoopback } from "./settings/loopback";
import { strengthOf } from "./sign/strength";
import { tokenOf } from "./sign/token";

it.each([
  ["?next=%2Fflows%2Fa", "/flows/a"],
  ["?next=//evil.example", "/"],
  ["?next=https://evil.example", "/"],
  ["?next=/\\evil.example", "/"],
  ["", "/"],
])("goes on only within this site: %s", (search, path) => {
  expect(nextPath(search)).toBe(path);
});

it.each([
  ["short", 0],
  ["aaaaaaaaaaaa", 1],
  ["password1234", 1],
  ["correct horse battery", 3],
  ["一二三四五六七八九十啊", 2],
])("%s has strength %d", (password, strength) => {
  expect(strengthOf(password)).toBe(strength);
});

it.each([
  ["#token=abc-1", "abc-1"],
  ["http://127.0.0.1:8900/setup#token=abc", "abc"],
  ["#abc", "abc"],
  ["  abc_1~2  ", "abc_1~2"],
  ["two words", ""],
])("finds the token in %s", (text, token) => {
  expect(tokenOf(text)).toBe(token);
});

describe("a picture of a flow", () => {
  const nodes = [
    { x: 0, y: 0, category: "source" },
    { x: 3000, y: 900, category: "output" },
  ];

  it("stays within its frame", () => {
    const picture = pictureOf({ nodes, edges: [[0, 1]] }, 288, 132);
    for (const node of picture.nodes) {
      expect(node.x).toBeGreaterThanOrEqual(0);
      expect(node.x + node.width).toBeLessThanOrEqual(288);
      expect(node.y + node.height).toBeLessThanOrEqual(132);
    }
    expect(picture.edges).toHaveLength(1);
  });

  it("leaves out edges that lead nowhere", () => {
    const edges: [number, number][] = [[0, 7]];
    expect(pictureOf({ nodes, edges }, 288, 132).edges).toEqual([]);
  });

  it("draws a container around what lies in it", () => {
    const inner = { category: "process", parent: 0 };
    const nodes = [
      { x: 0, y: 0, category: "control" },
      { ...inner, x: 200, y: 100 },
      { ...inner, x: 500, y: 100 },
    ];
    const picture = pictureOf(
      {
        nodes,
        edges: [
          [0, 1],
          [1, 2],
        ],
      },
      288,
      132,
    );
    const [frame, one, other] = picture.nodes;
    if (!frame || !one || !other) throw new Error("not drawn");
    expect([frame.frame, one.frame]).toEqual([true, false]);
    expect(frame.x).toBeLessThan(one.x);
    expect(frame.x + frame.width).toBeGreaterThan(other.x + other.width);
    expect(frame.y + frame.height).toBeGreaterThan(one.y + one.height);
    expect(picture.edges.map((edge) => edge.key)).toEqual(["1"]);
  });

  it("is empty for an empty flow", () => {
    expect(pictureOf(null, 288, 132)).toEqual({ nodes: [], edges: [] });
  });
});

describe("the last run of a flow", () => {
  const flow = { id: "flw_1", last_run: { id: "run_1", state: "completed" } } as FlowInfo;
  const started = { seq: 1, at: "t", type: "run_created", flow: "flw_1", run: "run_2" };

  it("is the newest that was heard of", () => {
    const live = withEvent({}, { ...started, state: "running" });
    expect(lastRunOf(flow, live)).toMatchObject({ id: "run_2", state: "running" });
    expect(isLive(lastRunOf(flow, live))).toBe(true);
  });

  it("is not hidden by late news of an older one", () => {
    const live = withEvent({}, { ...started, state: "running" });
    const older = { ...started, type: "run_state", run: "run_1", state: "failed" as const };
    expect(withEvent(live, older)).toBe(live);
  });

  it("ends when it is told so", () => {
    const done = { ...started, type: "run_state", state: "completed" as const, ended_at: "later" };
    expect(isLive(lastRunOf(flow, withEvent({}, done)))).toBe(false);
  });
});

describe("files to import", () => {
  it.each([
    ["format: weft/1\nname: A\n", true],
    ['{"format": "weft/1", "nodes": {}}', true],
    ["a,b\n1,2\n", false],
    ["Dear friend", false],
  ])("are flows or not: %s", (text, isFlow) => {
    expect(looksLikeFlow(text)).toBe(isFlow);
  });

  it("are JSON or something else", () => {
    expect(asJson('{"a": 1}')).toEqual({ a: 1 });
    expect(asJson("a: 1")).toBeUndefined();
    expect(asJson('{"a": ')).toBeUndefined();
  });
});

it("makes file names that every system takes", () => {
  expect(fileName('a/b: "c"?', "csv")).toBe("a b c.csv");
  expect(fileName("  ", "json")).toBe("flow.json");
});

it.each([
  ["http://127.0.0.1:8900/join#token=a", true],
  ["http://localhost:8900/join", true],
  ["http://[::1]:8900/join", true],
  ["https://weft.example.org/join", false],
  ["http://192.168.1.20:8900/join", false],
  ["nothing", false],
])("%s opens only here: %s", (link, only) => {
  expect(isLoopback(link)).toBe(only);
});
