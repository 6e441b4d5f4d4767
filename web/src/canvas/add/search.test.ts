import { describe, expect, it } from "vitest";
import type { NodeSpec } from "@/api/types";
import { byCategory, searchSpecs } from "./search";

const make = (type: string, name: string, zh: string, category: string, more = {}): NodeSpec =>
  ({
    type,
    name,
    category,
    description: "",
    icon: "",
    version: 1,
    inputs: [],
    outputs: [],
    settings: {},
    i18n: { zh: { title: zh } },
    ...more,
  }) as NodeSpec;

const SPECS = [
  make("data.sort", "Sort", "排序", "process", { aliases: { en: ["order by"], zh: ["顺序"] } }),
  make("file.read_json", "Read JSON", "读取 JSON", "source"),
  make("data.group", "Group", "分组汇总", "process", { description: "Sorts nothing at all" }),
  make("show.table", "Table", "表格", "output"),
];

const found = (query: string, language = "en") =>
  searchSpecs(SPECS, query, language).map((spec) => spec.type);

describe("finding a node type", () => {
  it.each([
    ["sort", ["data.sort", "data.group"]],
    ["order", ["data.sort"]],
    ["排", ["data.sort"]],
    ["顺序", ["data.sort"]],
    ["read json", ["file.read_json"]],
    ["TABLE", ["show.table"]],
    ["show.table", ["show.table"]],
    ["nothing like it", []],
  ])("%s", (query, types) => expect(found(query)).toEqual(types));

  it("finds English names while reading Chinese", () => {
    expect(found("sort", "zh")).toContain("data.sort");
  });

  it("lists all by category when nothing is asked", () => {
    expect(byCategory(searchSpecs(SPECS, "", "en")).map(([name]) => name)).toEqual([
      "source",
      "process",
      "output",
    ]);
  });
});
