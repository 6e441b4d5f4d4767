import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { infer, portId } from "./infer";
import { typeText } from "./ports";
import { SPECS } from "./testing/catalogue";
import {
  edgeId,
  type FlowEdge,
  type FlowNode,
  type JsonMap,
  type Mode,
  type SpecLike,
} from "./types";
import { firstFit, judge } from "./wiring";

const node = (id: string, type: string): [string, FlowNode] => [
  id,
  { id, type, settings: {}, position: { x: 0, y: 0 } },
];

const edge = (
  source: string,
  source_port: string,
  target: string,
  target_port: string,
): FlowEdge => {
  const ends = { source, source_port, target, target_port };
  return { id: edgeId(ends), ...ends };
};

const nodes = Object.fromEntries([
  node("read", "file.read_csv"),
  node("keep", "data.filter"),
  node("write", "text.template"),
  node("split", "text.split"),
  node("show", "show.table"),
  node("odd", "no.such"),
]);
const edges = [
  edge("read", "rows", "keep", "rows"),
  edge("keep", "rows", "write", "item"),
  edge("write", "text", "split", "text"),
];

const type = (at: string, port: string) =>
  typeText(infer(nodes, edges, SPECS).outputs.get(portId(at, port)) ?? { name: "?", item: null });

describe("infer", () => {
  it.each([
    ["read", "rows", "Stream[Row]"],
    ["keep", "rows", "Stream[Row]"],
    ["write", "text", "Stream[Text]"],
    ["split", "chunks", "Stream[Text]"],
  ])("%s.%s carries %s", (at, port, wanted) => {
    expect(type(at, port)).toBe(wanted);
  });

  it("knows which nodes work record by record", () => {
    const { lifted, edges: hows } = infer(nodes, edges, SPECS);
    expect([...lifted]).toEqual(["write", "split"]);
    expect([...hows.values()]).toEqual(["same", "lift", "lift"]);
  });
});

describe.each([
  ["single values where streams are taken", "single_when"],
  ["events of triggers, by the mode of the flow", "live_triggers"],
])("%s", (_about, file) => {
  type Vector = {
    name: string;
    nodes: Record<string, [string, JsonMap, "route"?]>;
    mode?: Mode;
    edges: [string, string, string, string][];
    outputs: Record<string, string>;
  };
  const { specs, flows } = JSON.parse(
    readFileSync(join(__dirname, `../../../tests/vectors/${file}.json`), "utf8"),
  ) as { specs: SpecLike[]; flows: Vector[] };
  const known = new Map(specs.map((spec) => [spec.type, spec]));

  it.each(flows.map((v) => [v.name, v] as const))("agree with Python: %s", (_name, vector) => {
    const wired = Object.entries(vector.nodes).map(([id, [kind, settings, route]]) => {
      const [, plain] = node(id, kind);
      return [id, { ...plain, settings, ...(route ? { on_error: route } : {}) }];
    });
    const ends = vector.edges.map((e) => edge(...e));
    const { outputs } = infer(Object.fromEntries(wired), ends, known, vector.mode);
    for (const [place, wanted] of Object.entries(vector.outputs)) {
      const [at = "", port = ""] = place.split(".");
      expect(typeText(outputs.get(portId(at, port)) ?? { name: "?", item: null })).toBe(wanted);
    }
  });
});

describe("judge", () => {
  const wires = { nodes, edges, specs: SPECS, mode: "batch" as const };

  it("sees the filter's rows through its type variable", () => {
    const ends = { source: "keep", source_port: "rows", target: "show", target_port: "rows" };
    expect(judge(ends, wires)).toMatchObject({ ok: true, output: "Stream[Row]" });
  });

  it("refuses texts where rows are wanted", () => {
    const ends = { source: "split", source_port: "chunks", target: "show", target_port: "rows" };
    expect(judge(ends, wires)).toMatchObject({ ok: false, refusal: "type", misfit: "not" });
  });

  it("finds the port of a type that fits", () => {
    const merge = SPECS.get("control.merge");
    const table = SPECS.get("show.table");
    expect(merge && firstFit(merge, { side: "source", type: "Stream[Row]" })).toBe("inputs");
    expect(table && firstFit(table, { side: "source", type: "Text" })).toBeNull();
  });
});
