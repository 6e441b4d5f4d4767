import { describe, expect, it } from "vitest";
import { cleaned, crumbsOf, readerOf, startOf } from "./paths";

describe("paths", () => {
  it.each([
    ["", ""],
    ["a.csv", ""],
    ["a/b/c.csv", "a/b"],
    ["a/**/*.md", "a"],
    ["a/[0-9]/x.md", "a"],
    ["*.md", ""],
  ])("the picker for %j begins in %j", (path, folder) => {
    expect(startOf(path)).toBe(folder);
  });

  it.each([
    [" a / b.csv", "a/b.csv"],
    ["./a//b/", "a/b"],
    ["/", ""],
  ])("%j is understood as %j", (typed, path) => {
    expect(cleaned(typed)).toBe(path);
  });

  it("tells the way to a folder", () => {
    expect(crumbsOf("a/b")).toEqual([
      { name: "a", path: "a" },
      { name: "b", path: "a/b" },
    ]);
    expect(crumbsOf("")).toEqual([]);
  });

  it.each([
    ["A.CSV", "file.read_csv"],
    ["a.b.tsv", "file.read_csv"],
    ["a.json", "file.read_json"],
    ["a.jsonl", "file.read_json"],
    ["a.txt", "file.read_text"],
    ["README.md", "file.read_text"],
    ["photo.png", undefined],
    ["csv", undefined],
  ])("%s is read by %s", (name, type) => {
    expect(readerOf(name)).toBe(type);
  });
});
