import { afterEach, beforeEach, describe, expect, it } from "vitest";
import * as Y from "yjs";
import {
  addNode,
  addNote,
  connect,
  moveNodes,
  remove,
  setField,
  setNoteText,
  setSetting,
  toggleDisabled,
  unsetSetting,
} from "./commands";
import { applyPatch } from "./patch";
import { plain } from "./schema";
import { closeSession, current, notices, redo, undo } from "./session";
import { setSelection, useGraph, useSession } from "./store";
import { openTestSession } from "./testing/session";

const graph = () => useGraph.getState();
const at = { x: 0, y: 0 };

function chain(): [string, string] {
  const a = addNode("file.read_csv", at) ?? "";
  const b = addNode("data.filter", at, {
    from: { node: a, port: "rows", side: "source" },
    port: "rows",
  });
  return [a, b ?? ""];
}

describe("commands", () => {
  beforeEach(() => void openTestSession());
  afterEach(closeSession);

  it("adds and wires a node in one undo step", () => {
    const [a, b] = chain();
    expect(Object.keys(graph().nodes).sort()).toEqual([a, b].sort());
    expect(graph().edges.map((e) => e.id)).toEqual([`${a}.rows>${b}.rows`]);
    undo();
    expect(Object.keys(graph().nodes)).toEqual([a]);
    expect(graph().edges).toEqual([]);
    redo();
    expect(graph().edges).toHaveLength(1);
  });

  it("makes every container of a node at its birth", () => {
    const id = addNode("text.template", at) ?? "";
    const node = current()?.roots.nodes.get(id);
    expect(node?.get("settings")).toBeInstanceOf(Y.Map);
    const texts = node?.get("texts") as Y.Map<Y.Text> | undefined;
    expect(texts?.get("template")).toBeInstanceOf(Y.Text);
  });

  it("does not put a new card on another", () => {
    const [a, b] = chain();
    expect(graph().nodes[a]?.position).not.toEqual(graph().nodes[b]?.position);
  });

  it("deletes a node with its edges, and brings both back", () => {
    const [a, b] = chain();
    setSelection([a]);
    remove([a]);
    expect(graph().nodes[a]).toBeUndefined();
    expect(graph().edges).toEqual([]);
    undo();
    expect(graph().edges).toHaveLength(1);
    expect(graph().selection).toEqual([a]);
    expect(Object.keys(graph().nodes).sort()).toEqual([a, b].sort());
  });

  it("names each step", () => {
    const [a] = chain();
    moveNodes({ [a]: { x: 500, y: 500 } });
    expect(useSession.getState().undoLabel).toEqual({ key: "moveNodes", count: 1 });
    const heard: unknown[] = [];
    const stop = notices.on((notice) => heard.push(notice));
    undo();
    stop();
    expect(heard).toEqual([
      { key: "undone", kind: "info", params: { step: "moveNodes", count: 1 } },
    ]);
  });

  it("joins quick changes of one setting, and no others", () => {
    const [, b] = chain();
    setSetting(b, "where", "a");
    setSetting(b, "where", "ab");
    setSetting(b, "limit", 3);
    undo();
    expect(graph().nodes[b]?.settings).toEqual({ where: "ab" });
    undo();
    expect(graph().nodes[b]?.settings).toEqual({});
  });

  it("keeps long texts in place when they change", () => {
    const id = addNode("text.template", at) ?? "";
    const texts = current()?.roots.nodes.get(id)?.get("texts") as Y.Map<Y.Text>;
    const held = texts.get("template");
    setSetting(id, "template", "Dear {{ item.name }} 😀");
    setSetting(id, "template", "Dear {{ item.name }} 😁");
    expect(texts.get("template")).toBe(held);
    expect(graph().nodes[id]?.settings.template).toBe("Dear {{ item.name }} 😁");
    unsetSetting(id, "template");
    expect(graph().nodes[id]?.settings).toEqual({});
  });

  it("replaces the edge into a port that takes one", () => {
    const [a, b] = chain();
    const c = addNode("file.read_csv", at) ?? "";
    expect(connect(ends(c, b))?.replaces).toBe(`${a}.rows>${b}.rows`);
    expect(graph().edges.map((e) => e.source)).toEqual([c]);
  });

  it.each([
    ["a cycle", "cycle", ([, b]: string[], c: string) => ends(c, b as string)],
    ["itself", "self", ([, b]: string[]) => ends(b as string, b as string)],
    ["the same again", "exists", ([a, b]: string[]) => ends(a as string, b as string)],
    [
      "a port that is not there",
      "port",
      ([a, b]: string[]) => ({
        ...ends(a as string, b as string),
        target_port: "nope",
      }),
    ],
  ])("refuses %s", (_name, refusal, make) => {
    const pair = chain();
    const c = addNode("data.filter", at, {
      from: { node: pair[1], port: "rows", side: "source" },
      port: "rows",
    });
    expect(connect(make(pair, c ?? ""))?.refusal).toBe(refusal);
  });

  it("refuses types that do not fit, through a type variable", () => {
    const [, b] = chain();
    const split = addNode("text.split", at) ?? "";
    const verdict = connect({ ...ends(b, split), target_port: "text" });
    expect(verdict).toMatchObject({ refusal: "type", output: "Stream[Row]", input: "Text" });
  });

  it("turns nodes off and on", () => {
    const [a, b] = chain();
    toggleDisabled([a, b]);
    expect(graph().nodes[a]?.disabled).toBe(true);
    toggleDisabled([a, b]);
    expect(graph().nodes[b]?.disabled).toBeUndefined();
    setField(a, "name", "Read sales");
    expect(graph().nodes[a]?.name).toBe("Read sales");
  });

  it("writes sticky notes", () => {
    const id = addNote({ text: "", position: at }) ?? "";
    setNoteText(id, "Look here");
    expect(graph().notes[id]?.text).toBe("Look here");
    remove([id]);
    expect(graph().notes).toEqual({});
  });

  it("applies a fix as one step", () => {
    const [a, b] = chain();
    const applied = applyPatch(
      {
        ops: [
          { op: "set_setting", node: b, path: "where", value: "item.x > 1" },
          { op: "set_setting", node: b, path: ["by", 0, "field"], value: "x" },
          { op: "remove_edge", ...ends(a, b) },
          { op: "set_field", node: a, field: "name", value: "Read" },
          { op: "remove_node", id: "gone" },
        ],
      },
      "Fix it",
    );
    expect(applied).toBe(4);
    expect(graph().nodes[b]?.settings.where).toBe("item.x > 1");
    undo();
    expect(graph().nodes[a]?.name).toBeUndefined();
    expect(graph().edges).toHaveLength(1);
  });

  it("replaces a node, its edges going to the ports the patch names", () => {
    const [a, b] = chain();
    const replace = {
      op: "replace_node" as const,
      id: b,
      type: "text.template",
      expect: "data.filter",
    };
    applyPatch({ ops: [{ ...replace, ports: { inputs: { rows: "item" } } }] }, "x");
    expect(graph().nodes[b]?.type).toBe("text.template");
    expect(graph().edges.map((e) => e.id)).toEqual([`${a}.rows>${b}.item`]);
    undo();
    applyPatch({ ops: [{ ...replace, ports: { inputs: { rows: null } } }] }, "x");
    expect(graph().edges).toEqual([]);
  });

  it("refuses a fix for a flow that has changed since", () => {
    const [, b] = chain();
    setSetting(b, "where", "new");
    const op = { op: "set_setting" as const, node: b, path: "where", value: "x", expect: "old" };
    expect(applyPatch({ ops: [{ op: "set_flow", field: "name", value: "y" }, op] }, "x")).toBe(0);
    expect(graph().nodes[b]?.settings.where).toBe("new");
    expect(applyPatch({ ops: [{ ...op, expect: "new" }] }, "x")).toBe(1);
  });

  it("changes what the flow asks for key by key", () => {
    const value = { day: { type: "Text", default: "today" } };
    applyPatch({ ops: [{ op: "set_flow", field: "inputs", value }] }, "x");
    expect(graph().meta.inputs).toEqual(value);
    expect(current()?.roots.meta.get("inputs")).toBeInstanceOf(Y.Map);
  });
});

const ends = (source: string, target: string) => ({
  source,
  source_port: "rows",
  target,
  target_port: "rows",
});

describe("a viewer", () => {
  afterEach(closeSession);

  it("changes nothing and is told so", () => {
    const session = openTestSession({ role: "viewer" });
    const before = JSON.stringify(plain(session.doc));
    const heard: string[] = [];
    const stop = notices.on((notice) => heard.push(notice.key));
    expect(addNode("data.filter", at)).toBeUndefined();
    setSetting("a", "b", 1);
    moveNodes({ a: at });
    undo();
    stop();
    expect(JSON.stringify(plain(session.doc))).toBe(before);
    expect(new Set(heard)).toEqual(new Set(["viewOnly"]));
  });
});
