import { expect, it } from "vitest";
import { kindOf } from "./originKind";

it.each([
  ["a whole run once more", null, null, "again"],
  ["one that begins at a node", "a", null, "fork"],
  ["one that begins at another node", "b", "a", "fork"],
  ["one that begins where that did", "a", "a", "from"],
])("knows %s", (_name, own, former, kind) => {
  expect(kindOf({ from_node: own }, { from_node: former })).toBe(kind);
});
