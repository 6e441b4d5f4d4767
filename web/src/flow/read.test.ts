import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { portKey, read } from "./read";
import type { DocumentProblem, Flow, JsonMap } from "./types";

interface Vector {
  name: string;
  plain: JsonMap;
  multiple: [string, string][];
  flow: Flow;
  problems: DocumentProblem[];
}

const FOLDER = join(__dirname, "../../../tests/vectors/document");

function vectors(): Vector[] {
  if (!existsSync(FOLDER)) return [];
  return readdirSync(FOLDER)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .flatMap((file) => JSON.parse(readFileSync(join(FOLDER, file), "utf8")) as Vector | Vector[]);
}

const multipleOf = (pairs: [string, string][]) =>
  new Set(pairs.map(([type, port]) => portKey(type, port)));

/** A flow as Python writes it: what is empty is left out. */
function asFile(flow: Flow): Partial<Flow> {
  const { nodes, edges, ...rest } = flow;
  return {
    ...rest,
    ...(Object.keys(nodes).length > 0 ? { nodes } : {}),
    ...(edges.length > 0 ? { edges } : {}),
  };
}

const node = (type: string, more: JsonMap = {}): JsonMap => ({ type, settings: {}, ...more });
const edge = (source: string, target: string, port = "rows"): JsonMap => ({
  source,
  source_port: "rows",
  target,
  target_port: port,
});

describe("read", () => {
  const shared = vectors();
  it.runIf(shared.length > 0).each(shared.map((v) => [v.name, v] as const))(
    "agrees with Python: %s",
    (_name, vector) => {
      const { flow, problems } = read(vector.plain, multipleOf(vector.multiple));
      expect({ flow: asFile(flow), problems }).toEqual({
        flow: vector.flow,
        problems: vector.problems,
      });
    },
  );

  it("hides a dangling edge", () => {
    const plain = {
      meta: { name: "f" },
      nodes: { a: node("file.read_csv") },
      edges: { "a.rows>gone.rows": edge("a", "gone") },
    };
    const { flow, problems } = read(plain, new Set());
    expect(flow.edges).toEqual([]);
    expect(problems.map((p) => p.code)).toEqual(["document.dangling_edge"]);
  });

  it("keeps one edge into a port, and all into one that takes many", () => {
    const plain = {
      meta: { name: "f" },
      nodes: { a: node("x"), b: node("x"), c: node("x"), m: node("control.merge") },
      edges: {
        "a.rows>c.rows": edge("a", "c"),
        "b.rows>c.rows": edge("b", "c"),
        "a.rows>m.inputs": edge("a", "m", "inputs"),
        "b.rows>m.inputs": edge("b", "m", "inputs"),
      },
    };
    const { flow, problems } = read(plain, multipleOf([["control.merge", "inputs"]]));
    expect(flow.edges.map((e) => `${e.source}>${e.target}`)).toEqual(["a>c", "a>m", "b>m"]);
    expect(problems.map((p) => p.code)).toEqual(["document.port_taken"]);
  });

  it("breaks a cycle at the edge that closes it", () => {
    const plain = {
      meta: { name: "f" },
      nodes: { a: node("x"), b: node("x") },
      edges: { "a.rows>b.rows": edge("a", "b"), "b.rows>a.rows": edge("b", "a") },
    };
    const { flow, problems } = read(plain, new Set());
    expect(flow.edges).toHaveLength(1);
    expect(problems.map((p) => p.code)).toEqual(["document.cycle"]);
  });

  it("lets long texts win over settings", () => {
    const plain = {
      meta: { name: "f" },
      nodes: { a: node("x", { settings: { code: "old" }, texts: { code: "new" } }) },
      edges: {},
    };
    expect(read(plain, new Set()).flow.nodes.a?.settings).toEqual({ code: "new" });
  });

  it.each([
    ["null", null],
    ["a list", []],
    ["text in every root", { meta: "x", nodes: "y", edges: "z", notes: 1 }],
    ["numbers as nodes", { nodes: { a: 1, b: null }, edges: { e: 2 } }],
  ])("survives %s", (_name, plain) => {
    const { flow } = read((plain ?? {}) as JsonMap, new Set());
    expect(flow.nodes).toEqual({});
    expect(flow.edges).toEqual([]);
  });
});
