import { describe, expect, it } from "vitest";
import { COMMAND_IDS, COMMANDS } from "./commands";
import { caps, matches } from "./keys";

const press = (key: string, more: KeyboardEventInit = {}) =>
  new KeyboardEvent("keydown", { key, ...more });

describe("keys", () => {
  it.each([
    ["mod+z", press("z", { ctrlKey: true }), true],
    ["mod+z", press("Z", { ctrlKey: true, shiftKey: true }), false],
    ["mod+shift+z", press("Z", { ctrlKey: true, shiftKey: true }), true],
    ["mod+z", press("z"), false],
    ["?", press("?", { shiftKey: true }), true],
    ["+", press("+", { shiftKey: true }), true],
    ["d", press("d"), true],
    ["d", press("d", { ctrlKey: true }), false],
    ["mod+z", press("я", { ctrlKey: true, code: "KeyZ" }), true],
    ["shift+alt+t", press("ˇ", { altKey: true, shiftKey: true, code: "KeyT" }), true],
    ["arrowup", press("ArrowUp"), true],
    ["arrowup", press("ArrowUp", { shiftKey: true }), false],
  ])("%s", (keys, event, wanted) => expect(matches(event, keys)).toBe(wanted));

  it("are shown as keycaps", () => {
    expect(caps("mod+shift+z")).toEqual(["Ctrl", "Shift", "Z"]);
    expect(caps("+")).toEqual(["+"]);
    expect(caps("f2")).toEqual(["F2"]);
  });

  it("belong to one command each", () => {
    const all = COMMAND_IDS.flatMap((id) => COMMANDS[id].keys);
    expect(new Set(all).size).toBe(all.length);
  });
});
