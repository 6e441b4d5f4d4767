import { describe, expect, it } from "vitest";
import type { Failure, JsonObject } from "@/api/types";
import { pathOf, settingBehind } from "./goTo";

const failed = (params: JsonObject): Failure => ({ code: "x", message: "", params });
const settings = {
  path: "data/sales.csv",
  where: "item.Salary > 3 and item.City == 'Bonn'",
  fields: [{ name: "a" }, { name: "net", value: "item.gross / 1.19" }],
};

describe("the setting behind a failure", () => {
  it.each([
    ["its name", { setting: "where" }, ["where"]],
    ["a part of an expression", { part: "item.Salary" }, ["where"]],
    ["a value in a list", { part: "item.gross" }, ["fields", 1, "value"]],
    ["a path", { path: "data/sales.csv" }, ["path"]],
    ["a resolved path", { path: "/srv/files/data/sales.csv" }, ["path"]],
    ["nothing known", { status: 500, setting: "gone" }, null],
    ["an empty text", { part: "" }, null],
  ])("by %s", (_, params, path) => {
    expect(settingBehind(failed(params), settings)).toEqual(path);
  });

  it("reads paths written as text", () => {
    expect(pathOf("by[0].field")).toEqual(["by", 0, "field"]);
  });
});
