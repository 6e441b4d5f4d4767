import { describe, expect, it } from "vitest";
import { around, containerOf, partsOf, roundLabel, stackOf } from "./scopes";

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
    ["loop:3", "[3]"],
    ["loop:3/inner:0", "[0]"],
    ["try@catch:0", "catch [0]"],
    ["loop:1#7", "#7"],
    ["loop:3~2", "[3] ↻2"],
    ["loop:3~2/try@catch:0", "catch [0]"],
    ["", ""],
  ])("the round of %s is called %s", (scope, expected) => {
    expect(roundLabel(scope)).toBe(expected);
  });

  it("tells sections apart", () => {
    expect(partsOf("try@catch:0").steps).toEqual([
      { name: "try", section: "catch", index: "0", attempt: null },
    ]);
  });

  it("leads from the outside to a node", () => {
    const frames = stackOf("loop/inner/fetch", "loop:3/inner:0");
    expect(frames.map((frame) => [frame.node, frame.scope, frame.label])).toEqual([
      ["loop", "loop:3", "[3]"],
      ["loop/inner", "loop:3/inner:0", "[0]"],
      ["loop/inner/fetch", "loop:3/inner:0", ""],
    ]);
  });
});
