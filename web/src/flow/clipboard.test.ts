import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { copy, duplicate, parse, paste } from "./clipboard";
import { addNode, addNote, setSetting } from "./commands";
import { closeSession, undo } from "./session";
import { useGraph } from "./store";
import { openTestSession } from "./testing/session";

const graph = () => useGraph.getState();

function sample(): string[] {
  const a = addNode("file.read_csv", { x: 10, y: 20 }) ?? "";
  const b = addNode(
    "text.template",
    { x: 300, y: 20 },
    {
      from: { node: a, port: "rows", side: "source" },
      port: "item",
    },
  );
  setSetting(b ?? "", "template", "Hi");
  const note = addNote({ text: "look", position: { x: 0, y: 100 }, color: "amber" });
  return [a, b ?? "", note ?? ""];
}

describe("clipboard", () => {
  beforeEach(() => void openTestSession());
  afterEach(closeSession);

  it("takes nodes, inner edges and notes to another flow, under the pointer", () => {
    const ids = sample();
    const text = copy(ids) ?? "";
    openTestSession();
    const pasted = paste(text, { x: 1000, y: 1000 });
    expect(pasted).toHaveLength(3);
    const nodes = Object.values(graph().nodes);
    expect(nodes.map((n) => n.position.x).sort()).toEqual([1010, 1300]);
    expect(nodes.find((n) => n.type === "text.template")?.settings).toEqual({ template: "Hi" });
    expect(graph().edges).toHaveLength(1);
    expect(Object.values(graph().notes)[0]).toMatchObject({ text: "look", color: "amber" });
    expect(graph().selection.sort()).toEqual(pasted.sort());
    expect(pasted.some((id) => ids.includes(id))).toBe(false);
    undo();
    expect(graph().nodes).toEqual({});
    expect(graph().notes).toEqual({});
  });

  it("leaves out edges that lead outside", () => {
    const [a, b] = sample();
    expect(JSON.parse(copy([b ?? ""]) ?? "{}").edges).toEqual([]);
    expect(JSON.parse(copy([a ?? "", b ?? ""]) ?? "{}").edges).toHaveLength(1);
  });

  it("duplicates beside the original", () => {
    const [a] = sample();
    const [twin] = duplicate([a ?? ""]);
    expect(graph().nodes[twin ?? ""]?.position).toEqual({ x: 38, y: 48 });
  });

  it("hides nothing that is there already, however often it is done", () => {
    const ids = sample();
    for (let i = 0; i < 3; i++) {
      duplicate(ids);
      paste(copy(ids) ?? "", { x: 10, y: 20 });
    }
    const { nodes, notes } = graph();
    const all = [...Object.values(nodes), ...Object.values(notes)];
    expect(new Set(all.map(({ position }) => JSON.stringify(position))).size).toBe(all.length);
  });

  it.each([
    ["words", "hello"],
    ["other JSON", '{"a": 1}'],
    ["broken JSON", '{"format": "weft/1"'],
    ["nothing", ""],
  ])("does not paste %s", (_name, text) => {
    expect(parse(text)).toBeNull();
    expect(paste(text, { x: 0, y: 0 })).toEqual([]);
    expect(graph().nodes).toEqual({});
  });

  it("pastes a flow file with what is malformed left out", () => {
    const text = JSON.stringify({
      format: "weft/1",
      name: "x",
      nodes: { a: { type: "show.table" }, b: 3 },
      edges: [{ source: "a", source_port: "x", target: "b", target_port: "y" }],
    });
    expect(paste(text, { x: 0, y: 0 })).toHaveLength(1);
  });
});
