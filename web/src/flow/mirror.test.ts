import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as Y from "yjs";
import { addNode, connect, moveNodes, remove, setField, setSetting } from "./commands";
import { read } from "./read";
import { newEdge, newNode, plain, roots } from "./schema";
import { closeSession, current, multipleOf, undo } from "./session";
import { useGraph } from "./store";
import { SPECS } from "./testing/catalogue";
import { openTestSession } from "./testing/session";
import type { NodeData } from "./types";

const graph = () => useGraph.getState();

/** What the mirror shows, in the shape that `read` answers. */
function shown() {
  const nodes: Record<string, NodeData> = {};
  for (const [id, { id: _, settings, ...node }] of Object.entries(graph().nodes)) {
    nodes[id] = Object.keys(settings).length > 0 ? { ...node, settings } : node;
  }
  return { nodes, edges: graph().edges.map(({ id: _, ...ends }) => ends) };
}

function expectEqualToRead(): void {
  const doc = current()?.doc as Y.Doc;
  const { flow, problems } = read(plain(doc), multipleOf(SPECS));
  expect(shown()).toEqual({ nodes: flow.nodes, edges: flow.edges });
  expect(graph().problems).toEqual(problems);
}

/** A small generator of pseudo-random numbers, so that a failing seed can be run again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1664525 + 1013904223) % 4294967296;
    return state / 4294967296;
  };
}

describe("the mirror", () => {
  beforeEach(() => void openTestSession());
  afterEach(closeSession);

  it("keeps the identity of what did not change", () => {
    const a = addNode("file.read_csv", { x: 0, y: 0 }) ?? "";
    const b = addNode("data.filter", { x: 400, y: 0 }) ?? "";
    connect({ source: a, source_port: "rows", target: b, target_port: "rows" });
    const before = graph();
    setSetting(b, "where", "item.x");
    expect(graph().nodes[a]).toBe(before.nodes[a]);
    expect(graph().nodes[b]).not.toBe(before.nodes[b]);
    expect(graph().edges).toBe(before.edges);
    expect(graph().notes).toBe(before.notes);
    expect(graph().meta).toBe(before.meta);
  });

  it("gives nodes without a place one, beside the others", () => {
    const { nodes, edges } = roots(current()?.doc as Y.Doc);
    nodes.set("a", newNode({ type: "file.read_csv" }, undefined));
    nodes.set("b", newNode({ type: "data.filter" }, undefined));
    const ends = { source: "a", source_port: "rows", target: "b", target_port: "rows" };
    edges.set("a.rows>b.rows", newEdge(ends));
    openTestSession({ doc: copyOf(current()?.doc as Y.Doc) });
    const { a, b } = graph().nodes;
    expect(b?.position.x).toBeGreaterThan(a?.position.x ?? 0);
  });

  it("drops from the selection what is gone", () => {
    const a = addNode("file.read_csv", { x: 0, y: 0 }) ?? "";
    expect(graph().selection).toEqual([a]);
    roots(current()?.doc as Y.Doc).nodes.delete(a);
    expect(graph().selection).toEqual([]);
  });

  it.each([1, 2, 3, 4, 5, 6, 7, 8])("always shows what read reads (seed %i)", (seed) => {
    const next = random(seed);
    for (let step = 0; step < 60; step++) {
      if (next() < 0.2) scribble(current()?.doc as Y.Doc, pick(next), pick(next));
      else edit(next);
    }
    expectEqualToRead();
  });
});

/** An edge as somebody else might write it, without asking whether it is allowed. */
function scribble(doc: Y.Doc, source: string, target: string): void {
  const ends = { source, source_port: "rows", target, target_port: "rows" };
  roots(doc).edges.set(`${source}.rows>${target}.rows`, newEdge(ends));
}

function copyOf(doc: Y.Doc): Y.Doc {
  const copy = new Y.Doc();
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
  return copy;
}

describe("two documents", () => {
  afterEach(closeSession);

  it.each([11, 12, 13, 14, 15])("converge after concurrent edits (seed %i)", (seed) => {
    const left = new Y.Doc();
    const right = new Y.Doc();
    const next = random(seed);
    const sync = () => {
      Y.applyUpdate(right, Y.encodeStateAsUpdate(left, Y.encodeStateVector(right)), "remote");
      Y.applyUpdate(left, Y.encodeStateAsUpdate(right, Y.encodeStateVector(left)), "remote");
    };
    for (let round = 0; round < 6; round++) {
      for (const doc of [left, right]) {
        openTestSession({ doc: copyOf(doc) });
        for (let step = 0; step < 12; step++) edit(next);
        Y.applyUpdate(doc, Y.encodeStateAsUpdate(current()?.doc as Y.Doc));
        closeSession();
      }
      sync();
    }
    const reading = (doc: Y.Doc) => read(plain(doc), multipleOf(SPECS));
    expect(reading(left)).toEqual(reading(right));
    expect(Object.keys(reading(left).flow.nodes).length).toBeGreaterThan(0);
  });
});

const pick = (next: () => number): string => {
  const ids = Object.keys(graph().nodes);
  return ids[Math.floor(next() * ids.length)] ?? "none";
};

const EDITS: [number, (next: () => number) => void][] = [
  [
    0.35,
    (next) => addNode([...SPECS.keys()][Math.floor(next() * SPECS.size)] ?? "", { x: 0, y: 0 }),
  ],
  [0.55, (next) => connectAny(pick(next), pick(next))],
  [0.7, (next) => moveNodes({ [pick(next)]: { x: next() * 500, y: next() * 500 } })],
  [0.8, (next) => remove([pick(next)])],
  [0.88, (next) => setSetting(pick(next), "where", `${next()}`)],
  [0.94, (next) => setField(pick(next), "name", `n${next()}`)],
  [1, () => undo()],
];

const connectAny = (source: string, target: string) =>
  connect({ source, source_port: "rows", target, target_port: "rows" });

function edit(next: () => number): void {
  const roll = next();
  EDITS.find(([below]) => roll < below)?.[1](next);
}
