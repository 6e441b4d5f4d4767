import { expect, it } from "vitest";
import { bestOf, type Seen } from "./best";

const item = (id: string, type: string, count: number, state: Seen["run"]["state"]): Seen => ({
  look: { id, type },
  run: { state, counts: { in: count, out: count ? { view: count } : {} } },
});
const PLACED = item("placed", "show.text", 1, "completed");
const NOT_PLACED = item("not_placed", "show.text", 0, "completed");
const LETTER = item("letter", "text.template", 1, "completed");
const SKIPPED = item("refused", "text.template", 0, "skipped");
const FAILED = item("write", "file.write", 0, "failed");

it.each([
  ["what shows something, not what shows nothing", [NOT_PLACED, PLACED], "placed"],
  ["the last that gave something", [LETTER, NOT_PLACED, SKIPPED], "letter"],
  ["what failed", [PLACED, FAILED], "write"],
  ["the last that is done, where none gave anything", [SKIPPED, NOT_PLACED], "not_placed"],
  ["the first, where none is done", [SKIPPED], "refused"],
  ["none", [], null],
])("is %s", (_name, items, best) => {
  expect(bestOf(items)).toBe(best);
});
