import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from "y-protocols/awareness";
import * as Y from "yjs";
import { Presence, useMotion, usePresence } from "./presence";

const me = { id: "usr_1", name: "Ada", color: "#4a56d2" };

describe("presence", () => {
  let mine: Awareness;
  let presence: Presence;
  let sent = 0;

  beforeEach(() => {
    vi.useFakeTimers();
    mine = new Awareness(new Y.Doc());
    presence = new Presence(mine, me);
    sent = 0;
    mine.on("update", () => sent++);
  });

  afterEach(() => {
    presence.destroy();
    mine.destroy();
    vi.useRealTimers();
  });

  /** What another person's browser shows of itself. */
  function hear(state: Record<string, unknown>): Awareness {
    const other = new Awareness(new Y.Doc());
    other.setLocalState(state);
    applyAwarenessUpdate(mine, encodeAwarenessUpdate(other, [other.clientID]), "test");
    other.destroy();
    return other;
  }

  it("sends many moves as few messages, the last one among them", () => {
    for (let x = 0; x < 100; x++) {
      presence.setCursor({ x, y: 0 });
      vi.advanceTimersByTime(5);
    }
    vi.advanceTimersByTime(60);
    expect(sent).toBeLessThan(15);
    expect(mine.getLocalState()?.cursor).toEqual({ x: 99, y: 0 });
  });

  it("says nothing when nothing changed", () => {
    presence.setSelection(["a"]);
    vi.advanceTimersByTime(60);
    const before = sent;
    presence.setSelection(["a"]);
    vi.advanceTimersByTime(60);
    expect(sent).toBe(before);
  });

  it("stays within what the server takes", () => {
    const many = Array.from({ length: 500 }, (_, i) => `some_long_node_id_${i}`);
    presence.setSelection(many);
    presence.setDrag(Object.fromEntries(many.map((id) => [id, { x: 12345, y: 12345 }])));
    vi.advanceTimersByTime(60);
    expect(JSON.stringify(mine.getLocalState()).length).toBeLessThan(4096);
  });

  it("shows others, who holds which node, and where they drag it", () => {
    hear({
      user: { id: "usr_2", name: "Bo", color: "#2f7f6f" },
      cursor: { x: 1, y: 2 },
      selection: ["n1"],
      drag: { n1: [10, 20] },
      panel: "n1",
    });
    const { peers, selectedBy } = usePresence.getState();
    expect(peers[0]).toMatchObject({ user: { name: "Bo" }, panel: "n1" });
    expect(selectedBy.n1?.name).toBe("Bo");
    expect(useMotion.getState().drags).toEqual({ n1: { x: 10, y: 20 } });
  });

  it("keeps the same people while only cursors move", () => {
    const state = { user: { id: "u", name: "Bo", color: "#2f7f6f" }, selection: [] };
    hear({ ...state, cursor: { x: 1, y: 1 } });
    const before = usePresence.getState().peers;
    mine.emit("change", [{ added: [], updated: [], removed: [] }, "test"]);
    expect(usePresence.getState().peers).toBe(before);
  });

  it.each([
    ["text", "hello"],
    ["a cursor of text", { user: {}, cursor: { x: "a" } }],
    ["a drag of nonsense", { user: { name: 3 }, drag: { a: "b", c: [1] }, selection: "x" }],
    ["a colour that is code", { user: { name: "Eve", color: "red;background:url(x)" } }],
  ])("survives %s", (_name, state) => {
    hear(state as Record<string, unknown>);
    expect(useMotion.getState().drags).toEqual({});
    for (const peer of usePresence.getState().peers) expect(peer.user.color).toMatch(/^#/);
  });
});
