import { describe, expect, it } from "vitest";
import { en } from "./en";
import { zh } from "./zh";

type Texts = Readonly<Record<string, string>>;
const english = en as unknown as Record<string, Texts>;
const chinese = zh as unknown as Record<string, Texts>;

/** A key without its plural form: English has several forms where Chinese has one. */
function stem(key: string): string {
  return key.replace(/_(zero|one|two|few|many|other)$/, "");
}

function stems(texts: Texts): string[] {
  return [...new Set(Object.keys(texts).map(stem))].sort();
}

function variables(text: string): string[] {
  return [...new Set([...text.matchAll(/\{\{\s*(\w+)/g)].map((match) => match[1] ?? ""))].sort();
}

function tags(text: string): string[] {
  return [...text.matchAll(/<\/?(\w+)/g)].map((match) => match[1] ?? "").sort();
}

describe("translations", () => {
  it("have the same namespaces", () => {
    expect(Object.keys(chinese).sort()).toEqual(Object.keys(english).sort());
  });

  it.each(Object.keys(english))("%s has the same keys in both languages", (name) => {
    expect(stems(chinese[name] ?? {})).toEqual(stems(english[name] ?? {}));
  });

  it.each(Object.keys(english))("%s leaves no text empty", (name) => {
    for (const texts of [english[name] ?? {}, chinese[name] ?? {}]) {
      const empty = Object.entries(texts).filter(([, text]) => text.trim() === "");
      expect(empty).toEqual([]);
    }
  });

  it.each(Object.keys(english))("%s only uses variables that English is given", (name) => {
    const other = chinese[name] ?? {};
    for (const [key, text] of Object.entries(other)) {
      const family = Object.entries(english[name] ?? {}).filter(
        ([each]) => stem(each) === stem(key),
      );
      const known = new Set(["count", ...family.flatMap(([, each]) => variables(each))]);
      const strange = variables(text).filter((variable) => !known.has(variable));
      expect(strange, `${name}:${key}`).toEqual([]);
      expect(tags(text), `${name}:${key}`).toEqual(tags(family[0]?.[1] ?? ""));
    }
  });

  it.each(Object.keys(english))("%s is translated, not copied", (name) => {
    const same = Object.entries(chinese[name] ?? {}).filter(
      ([key, text]) => text === english[name]?.[key] && /[a-z]{4,} [a-z]{3,}/i.test(text),
    );
    expect(same).toEqual([]);
  });
});
