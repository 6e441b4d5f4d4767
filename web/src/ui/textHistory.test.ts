import { describe, expect, it } from "vitest";
import { difference, TextHistory } from "./textHistory";

/** Types letter by letter, ten milliseconds each. */
function typed(text: string, history = new TextHistory(""), from = ""): TextHistory {
  for (let at = 1; at <= text.length; at += 1) history.record(from + text.slice(0, at), at * 10);
  return history;
}

const texts = (history: TextHistory, count: number) =>
  Array.from({ length: count }, () => history.undo()?.text ?? null);

describe("undo in a text field", () => {
  it("goes back word by word", () => {
    expect(texts(typed("total > 100 and"), 5)).toEqual([
      "total > 100 ",
      "total > ",
      "total ",
      "",
      null,
    ]);
  });

  it("brings back what was undone", () => {
    const history = typed("one two");
    texts(history, 2);
    expect([history.redo()?.text, history.redo()?.text, history.redo()]).toEqual([
      "one ",
      "one two",
      null,
    ]);
  });

  it("takes a run of deletions as one step", () => {
    const history = new TextHistory("abcdef");
    for (const [index, text] of ["abcde", "abcd", "abc"].entries())
      history.record(text, index * 10);
    expect(history.undo()).toEqual({ text: "abcdef", caret: 6 });
  });

  it("begins anew after a pause", () => {
    const history = new TextHistory("");
    history.record("a", 0);
    history.record("ab", 5_000);
    expect(texts(history, 2)).toEqual(["a", ""]);
  });

  it("leaves what others typed meanwhile", () => {
    const history = typed("mine");
    history.outside("theirs, mine");
    expect(history.undo()).toEqual({ text: "theirs, ", caret: 8 });
  });

  it("lets go of what others changed themselves", () => {
    const history = typed("mine");
    history.outside("mXine");
    expect(history.undo()).toBeNull();
  });

  it("takes letters of several keys as one", () => {
    const history = new TextHistory("");
    for (const [index, text] of ["n", "ni", "你"].entries()) history.record(text, index * 10, true);
    expect(texts(history, 2)).toEqual(["", null]);
  });

  it.each([
    ["ab", "aXb", { at: 1, removed: "", inserted: "X" }],
    ["aab", "ab", { at: 1, removed: "a", inserted: "" }],
    ["abc", "aXc", { at: 1, removed: "b", inserted: "X" }],
  ])("tells %s from %s", (before, after, step) => {
    expect(difference(before, after)).toEqual(step);
  });
});
