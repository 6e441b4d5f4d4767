import { describe, expect, it } from "vitest";
import { paceOf } from "./useLive";

describe("the pace of a node", () => {
  it.each([
    ["a source", { rows: 50 }, 0, 5, 5],
    ["a filter that lets nothing pass", { rows: 0 }, 5, 0, 0],
    ["a filter that lets some pass", { rows: 9 }, 5, 0.5, 0.5],
    ["a table, which only takes", {}, 0.6, 0, 0.6],
  ])("of %s", (_, count_out, in_per_s, out_per_s, pace) => {
    const node = { in_per_s, out_per_s, count_in: 0, count_out, failed: 0 };
    expect(paceOf(node)).toBe(pace);
  });
});
