import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { family, fits, parseType, typeText } from "./ports";

interface Vector {
  output: string;
  input: string;
  ok: boolean;
  how: string;
}

const VECTORS = join(__dirname, "../../../tests/vectors/fits.json");

describe("fits", () => {
  it.each([
    ["Stream[Row]", "Stream[Row]", true, "same"],
    ["Stream[Document]", "Stream[Row]", true, "subtype"],
    ["Stream[Row]", "Text", false, ""],
    ["Stream[Text]", "Text", true, "lift"],
    ["Stream[Document]", "list[Document]", true, "collect"],
    ["list[Chunk]", "Stream[Document]", true, "explode"],
    ["Row", "Stream[Row]", true, "single"],
    ["Table", "Stream[Row]", true, "explode"],
    ["Html", "Text", true, "subtype"],
    ["Text", "Html", false, ""],
    ["Any", "Text", true, "subtype"],
    ["Number", "T", true, "same"],
    ["Optional[Text]", "Text", false, ""],
    ["Text", "Optional[Text]", true, "subtype"],
  ])("%s into %s", (output, input, ok, how) => {
    expect(fits(output, input)).toMatchObject({ ok, how });
  });

  it.runIf(existsSync(VECTORS))("agrees with Python on every shared vector", () => {
    const vectors = JSON.parse(readFileSync(VECTORS, "utf8")) as Vector[];
    const wrong = vectors.filter((v) => {
      const { ok, how } = fits(v.output, v.input);
      return ok !== v.ok || how !== v.how;
    });
    expect(vectors.length).toBeGreaterThan(0);
    expect(wrong).toEqual([]);
  });

  it.each([
    ["list[Text]", "Text", "manyToOne"],
    ["Text", "list[Text]", "oneToMany"],
    ["Optional[Text]", "Text", "mayBeEmpty"],
    ["Row", "Document", "notEvery"],
    ["Number", "Text", "not"],
  ])("says why %s does not fit %s", (output, input, reason) => {
    expect(fits(output, input)).toEqual({ ok: false, how: "", reason });
  });
});

describe("types", () => {
  it.each([
    "Text",
    "Stream[Row]",
    "list[Document]",
    "Optional[Text]",
    "Stream[list[Chunk]]",
    "Table",
  ])("reads and writes %s", (text) => expect(typeText(parseType(text))).toBe(text));

  it("takes what it cannot read for anything", () => {
    expect(fits("Stream[", "Text").ok).toBe(true);
  });

  it("knows the family of nested types", () => {
    expect(family("Stream[list[Chunk]]")).toBe("documents");
    expect(family("Json")).toBe("any");
  });
});
