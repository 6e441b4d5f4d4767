import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { movedPorts } from "./cases";
import { duplicate } from "./clipboard";
import { addNode, connect, insertInto, moveNodes, remove, setSetting } from "./commands";
import { relocate, takeOut, wrap } from "./containers";
import { namedPorts } from "./dynamicPorts";
import { frameNow } from "./scene";
import { closeSession, notices, redo, undo } from "./session";
import { useGraph } from "./store";
import { openTestSession } from "./testing/session";
import type { JsonMap, PortsFromLike } from "./types";

const ends = (source: string, source_port: string, target: string, target_port: string) => ({
  source,
  source_port,
  target,
  target_port,
});
const edges = () => useGraph.getState().edges.map((edge) => edge.id);
const nodes = () => useGraph.getState().nodes;
const at = (x: number, y: number) => ({ x, y });
const add = (type: string, x: number, y: number) => addNode(type, at(x, y)) ?? "";

describe("containers", () => {
  let read = "";
  let filter = "";
  let table = "";
  beforeEach(() => {
    openTestSession();
    read = add("file.read_csv", 0, 0);
    filter = add("data.filter", 300, 0);
    table = add("show.table", 600, 0);
    connect(ends(read, "rows", filter, "rows"));
    connect(ends(filter, "rows", table, "rows"));
  });
  afterEach(closeSession);

  it("are put around nodes, and what flows is led through them, in one step", () => {
    const before = edges();
    const loop = wrap([filter], "control.for_each") ?? "";
    expect(nodes()[filter]?.parent).toBe(loop);
    expect(edges().sort()).toEqual(
      [
        `${read}.rows>${loop}.items`,
        `${loop}.item>${filter}.rows`,
        `${filter}.rows>${loop}.result`,
        `${loop}.results>${table}.rows`,
      ].sort(),
    );
    undo();
    expect(edges()).toEqual(before);
    expect(nodes()[filter]?.parent).toBeUndefined();
    redo();
    expect(nodes()[filter]?.parent).toBe(loop);
  });

  it("grow around what is added to them, and what lies beside them makes room", () => {
    const loop = wrap([filter], "control.for_each") ?? "";
    const frame = frameNow(loop);
    if (!frame) throw new Error("no frame");
    const under = add("show.table", frame.x + 40, frame.y + frame.height + 30);
    const room = { ...frame, covered: [] };
    const more = Array.from({ length: 3 }, () => {
      const id = addNode("data.filter", nodes()[filter]?.position ?? at(0, 0), { room }) ?? "";
      expect(nodes()[id]?.parent).toBe(loop);
      return id;
    });
    const grown = frameNow(loop);
    expect(grown?.height).toBeGreaterThan(frame.height);
    const below = (grown?.y ?? 0) + (grown?.height ?? 0);
    expect(nodes()[under]?.position.y).toBeGreaterThan(below);
    const places = [filter, ...more].map((id) => JSON.stringify(nodes()[id]?.position));
    expect(new Set(places).size).toBe(4);
    undo();
    expect(nodes()[more[2] ?? ""]).toBeUndefined();
  });

  it("are dissolved into what they were put around", () => {
    const before = edges();
    const loop = wrap([filter], "control.for_each") ?? "";
    takeOut([loop]);
    expect(nodes()[loop]).toBeUndefined();
    expect(edges()).toEqual(before);
    expect(nodes()[filter]?.parent).toBeUndefined();
  });

  it("move with what lies in them, and grow around it", () => {
    const loop = wrap([filter], "control.for_each") ?? "";
    const frame = frameNow(loop);
    const place = nodes()[filter]?.position ?? at(0, 0);
    moveNodes({ [loop]: at((frame?.x ?? 0) + 50, (frame?.y ?? 0) + 20) });
    expect(nodes()[filter]?.position).toEqual(at(place.x + 50, place.y + 20));
    expect(frameNow(loop)?.x).toBe((frame?.x ?? 0) + 50);
    moveNodes({ [filter]: at(place.x + 400, place.y) });
    const grown = frameNow(loop);
    expect((grown?.x ?? 0) + (grown?.width ?? 0)).toBeGreaterThan(place.x + 400 + 204);
    undo();
    undo();
    expect(nodes()[filter]?.position).toEqual(place);
  });

  it("lose edges that would cross their border, and offer a way through it", () => {
    const said: { key: string; action?: { run: () => void } }[] = [];
    const stop = notices.on((notice) => said.push(notice));
    const loop = addNode("control.for_each", at(300, 200)) ?? "";
    relocate([filter], loop, { [filter]: at(450, 260) });
    expect(edges()).toEqual([`${read}.rows>${filter}.rows`]);
    expect(said.map((notice) => notice.key)).toEqual(["edgesLost"]);
    said[0]?.action?.run();
    expect(edges()).toContain(`${filter}.rows>${loop}.result`);
    expect(edges()).toContain(`${loop}.results>${table}.rows`);
    undo();
    undo();
    expect(edges()).toHaveLength(2);
    stop();
  });

  it("take a new node where it is wired, or where it stands", () => {
    const loop = wrap([filter], "control.for_each") ?? "";
    const from = { node: loop, port: "@item", side: "source" as const };
    const inside = addNode("text.template", at(0, 900), { from, port: "item" }) ?? "";
    expect(nodes()[inside]?.parent).toBe(loop);
    expect(edges()).toContain(`${loop}.item>${inside}.item`);
    const frame = frameNow(loop);
    const stood = add("data.filter", (frame?.x ?? 0) + 150, (frame?.y ?? 0) + 60);
    expect(nodes()[stood]?.parent).toBe(loop);
    insertInto(`${loop}.item>${filter}.rows`, "data.filter", at(0, 0), ["rows", "rows"]);
    expect(nodes()[useGraph.getState().selection[0] ?? ""]?.parent).toBe(loop);
  });

  it.each([
    ["outwards past the border", "leaves"],
    ["from an inner port to a node outside", "inwards"],
    ["from an outer port to a node inside", "outwards"],
  ])("refuse connections %s", (_, reason) => {
    const loop = wrap([filter], "control.for_each") ?? "";
    const tries = {
      leaves: ends(filter, "rows", table, "rows"),
      inwards: ends(loop, "@item", table, "rows"),
      outwards: ends(loop, "results", filter, "rows"),
    };
    expect(connect(tries[reason as keyof typeof tries])?.refusal).toBe(reason);
  });

  it("go and are copied with what lies in them", () => {
    const loop = wrap([filter], "control.for_each") ?? "";
    duplicate([loop]);
    const [copied = "", ...more] = useGraph.getState().selection;
    expect(more).toEqual([]);
    const twin = Object.values(nodes()).find((n) => n.parent === copied)?.id ?? "";
    expect(nodes()[twin]?.type).toBe("data.filter");
    expect(edges()).toContain(`${copied}.item>${twin}.rows`);
    remove([loop]);
    expect(nodes()[filter]).toBeUndefined();
    expect(nodes()[twin]?.parent).toBe(copied);
    undo();
    expect(nodes()[filter]?.parent).toBe(loop);
  });

  it("lie in each other", () => {
    const inner = wrap([filter], "control.try") ?? "";
    const outer = wrap([inner], "control.for_each") ?? "";
    expect(nodes()[inner]?.parent).toBe(outer);
    const [a, b] = [frameNow(outer), frameNow(inner)];
    expect(a && b && a.x < b.x && a.y < b.y && a.width > b.width).toBe(true);
    expect(frameNow(outer)?.count).toBe(2);
    relocate([outer], inner);
    expect(nodes()[outer]?.parent).toBeUndefined();
  });

  it("show a band for each section", () => {
    const guard = wrap([filter], "control.try") ?? "";
    const bands = frameNow(guard)?.bands.map((band) => band.section);
    expect(bands).toEqual(["body", "catch", "finally"]);
    const from = { node: guard, port: "@error", side: "source" as const };
    const band = frameNow(guard)?.bands[1];
    const place = at(430, (frameNow(guard)?.y ?? 0) + (band?.y ?? 0) + 20);
    const caught = addNode("text.template", place, { from, port: "item" }) ?? "";
    expect(nodes()[caught]?.position).toEqual(place);
    expect(frameNow(guard)?.bands[1]?.y).toBe(band?.y);
  });
});

describe("ports that a setting names", () => {
  const vectors = JSON.parse(
    readFileSync(join(__dirname, "../../../tests/vectors/ports_from.json"), "utf8"),
  ) as { name: string; source: PortsFromLike; settings: JsonMap; default?: unknown; ports: [] }[];

  it.each(vectors.map((v) => [v.name, v] as const))("agree with Python: %s", (_name, vector) => {
    expect(namedPorts(vector.source, vector.settings, vector.default)).toEqual(vector.ports);
  });

  const cases = (...names: string[]) => names.map((name) => ({ name, when: "x" }));
  const source = { setting: "cases", key: "name", also: ["otherwise"] };
  it.each([
    ["a new name", cases("a", "b"), cases("a", "c"), ["b"], [["b", "c"]]],
    ["another order", cases("a", "b"), cases("b", "a"), ["a"], []],
    ["one less", cases("a", "b"), cases("b"), ["a"], [["a", null]]],
    ["one more", cases("a"), cases("a", ""), ["a"], []],
    ["a name that names nothing yet", cases("a"), cases(""), ["a"], []],
    ["and then one that does", cases(""), cases("z"), ["a"], [["a", "z"]]],
  ])("%s", (_, before, after, wired, moved) => {
    expect([...movedPorts(source, before, after, wired)]).toEqual(moved);
  });

  it("lets the edge of a case follow its name", () => {
    openTestSession();
    const read = add("file.read_csv", 0, 0);
    const way = addNode("control.switch", at(300, 0), { settings: { cases: cases("big") } }) ?? "";
    const table = add("show.table", 600, 0);
    connect(ends(read, "rows", way, "item"));
    connect(ends(way, "big", table, "rows"));
    setSetting(way, "cases", cases("huge"));
    expect(edges()).toContain(`${way}.huge>${table}.rows`);
    undo();
    expect(edges()).toContain(`${way}.big>${table}.rows`);
    closeSession();
  });
});
