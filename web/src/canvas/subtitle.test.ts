import { describe, expect, it } from "vitest";
import type { NodeSpec } from "@/api/types";
import { subtitleOf, words } from "./subtitle";

const spec = {
  type: "data.group",
  name: "Group",
  category: "process",
  description: "Group rows. They come in order.",
  icon: "sum",
  subtitle: "by {by}",
  version: 1,
  inputs: [],
  outputs: [],
  settings: { properties: { by: {}, path: { title: "File" } }, required: [] },
  i18n: {
    zh: { title: "分组", subtitle: "按 {by}", summary: "分组汇总。", settings: { path: "文件" } },
  },
} as NodeSpec;

describe("the line under a name", () => {
  it.each([
    [["region", "month"], "region, month"],
    [[{ field: "amount", op: "sum", as: "total" }], "sum amount"],
    [{ total: "item.a", tax: "item.b" }, "total, tax"],
    ["a\n  b", "a b"],
    [3, "3"],
    [false, ""],
    [null, ""],
  ])("%j reads %s", (value, text) => {
    expect(words(value)).toBe(text);
  });

  it("fills the settings in, in the reader's language", () => {
    const settings = { by: ["region"] };
    expect(subtitleOf(spec, settings, "en").text).toBe("by region");
    expect(subtitleOf(spec, settings, "zh").text).toBe("按 region");
  });

  it.each([
    ["{how} on {on}", { how: "inner", on: ["id"] }, "inner on id"],
    ["{how} on {on}", { how: "inner" }, "inner"],
    ["{how}：{on}", { how: "inner" }, "inner"],
    ["{y} by {x}", { x: "month" }, "month"],
    ["first {count} rows", { count: 3 }, "first 3 rows"],
    ["first {count} rows", {}, "Group rows"],
    ["{a} of {b} in {c}", { a: "x", c: "z" }, "x in z"],
  ])("fills %s with %j", (subtitle, settings, text) => {
    expect(subtitleOf({ ...spec, subtitle }, settings, "en").text).toBe(text);
  });

  it("says what the type does while there is nothing to fill in", () => {
    expect(subtitleOf(spec, {}, "en").text).toBe("Group rows");
  });

  it("names a required setting that is empty", () => {
    const strict = { ...spec, settings: { ...spec.settings, required: ["path"] } };
    expect(subtitleOf(strict, {}, "en").needs).toBe("File");
    expect(subtitleOf(strict, {}, "zh").needs).toBe("文件");
    expect(subtitleOf(strict, { path: "x.csv" }, "en").needs).toBeNull();
  });
});
