import { describe, expect, it } from "vitest";
import { around, containerOf, partsOf, roundText, scopesOf, stackOf } from "./scopes";

const WORDS = {
  round: (index: string) => `round ${index}`,
  attempt: (number: string) => `attempt ${number}`,
  section: (name: string) => `on ${name}`,
};

describe("scopes", () => {
  it.each([
    ["", null],
    ["loop:3", ""],
    ["loop:3/inner:0", "loop:3"],
    ["loop:3#17", "loop:3"],
    ["#17", ""],
  ])("around %s is %s", (scope, expected) => {
    expect(around(scope)).toBe(expected);
  });

  it.each([
    ["loop/fetch", "loop:3", "loop"],
    ["loop/inner/fetch", "loop:3/inner:0", "loop/inner"],
    ["fetch", "#4", "fetch"],
    ["try/mend", "try@catch:0", "try"],
  ])("the container of %s in %s is %s", (path, scope, expected) => {
    expect(containerOf(path, scope)).toBe(expected);
  });

  it.each([
    ["loop:3", "round 3"],
    ["loop:3/inner:0", "round 0"],
    ["try@catch:0", "on catch"],
    ["loop:1#7", "#7"],
    ["loop:3~2", "round 3 · attempt 2"],
    ["loop:3~2/try@catch:0", "on catch"],
    ["try@catch:0~3", "on catch · attempt 3"],
    ["", ""],
  ])("the round of %s is called %s", (scope, expected) => {
    expect(roundText(scope, WORDS)).toBe(expected);
  });

  it.each([
    ["call:0", ""],
    ["call:0~2", "attempt 2"],
    ["try@catch:0", "on catch"],
  ])("the only round of %s is called %s", (scope, expected) => {
    expect(roundText(scope, WORDS, true)).toBe(expected);
  });

  it.each([
    ["", []],
    ["loop:3~2/inner:0", ["loop:3~2", "loop:3~2/inner:0"]],
    ["loop:3#17", ["loop:3", "loop:3#17"]],
    ["#17", ["#17"]],
  ])("the scopes of %s are %s", (scope, expected) => {
    expect(scopesOf(scope)).toEqual(expected);
  });

  it("tells sections apart", () => {
    expect(partsOf("try@catch:0").steps).toEqual([
      { name: "try", section: "catch", index: "0", attempt: null },
    ]);
  });

  it("leads from the outside to a node", () => {
    const frames = stackOf("loop/inner/fetch", "loop:3/inner:0");
    expect(frames.map((frame) => [frame.node, frame.scope, frame.last])).toEqual([
      ["loop", "loop:3", false],
      ["loop/inner", "loop:3/inner:0", false],
      ["loop/inner/fetch", "loop:3/inner:0", true],
    ]);
  });
});
