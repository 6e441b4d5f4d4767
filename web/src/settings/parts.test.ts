import { describe, expect, it } from "vitest";
import type { JsonSchema, NodeSpec } from "@/api/types";
import { columnMeant } from "./controls/ColumnControl";
import { objectOf, scalarOf } from "./controls/MapControl";
import { moved, reconcile } from "./entries";
import { placeOf } from "./Handle";
import { completionsAt, fieldText, piecesOf, templatePieces } from "./highlight";
import { movedCaret } from "./liveText";
import { pathOf } from "./problems";
import { blankOf, settingsOf, shapeOf } from "./schema";
import { humanise, optionLabel } from "./words";

describe("the control of a schema", () => {
  const map = { type: "object", additionalProperties: { type: "string" } };
  it.each([
    ["text", { type: "string" }, "text"],
    ["a long text", { type: "string", "x-widget": "textarea" }, "textarea"],
    ["code", { type: "string", "x-widget": "code" }, "code"],
    ["an expression", { type: "string", "x-widget": "expression" }, "expression"],
    ["a number", { type: "number" }, "number"],
    ["a number or null", { anyOf: [{ type: "integer" }, { type: "null" }] }, "integer"],
    ["a number or null by type", { type: ["integer", "null"] }, "integer"],
    ["a choice", { type: "string", enum: ["a", "b"] }, "enum"],
    ["a list", { type: "array", items: { type: "string" } }, "list"],
    ["rows", { type: "array", items: { type: "object", properties: { a: {} } } }, "rows"],
    ["lists of lists", { type: "array", items: { type: "array", items: {} } }, "json"],
    ["a map", map, "map"],
    ["an object", { type: "object", properties: { a: { type: "string" } } }, "group"],
    ["anything", {}, "json"],
    ["one of several", { anyOf: [{ type: "string" }, { type: "integer" }] }, "json"],
  ] as [string, JsonSchema, string][])("for %s", (_name, schema, kind) => {
    expect(shapeOf(schema).kind).toBe(kind);
  });

  it("follows references and keeps what stands beside them", () => {
    const defs = { Op: { type: "string", enum: ["a"], title: "Op" } };
    const shape = shapeOf({ $ref: "#/$defs/Op", default: "a" }, defs);
    expect(shape).toMatchObject({ kind: "enum", schema: { default: "a", title: "Op" } });
  });

  it("does not follow a schema that contains itself for ever", () => {
    const defs: Record<string, JsonSchema> = {
      Tree: { type: "object", properties: { child: { $ref: "#/$defs/Tree" } } },
    };
    expect(shapeOf({ $ref: "#/$defs/Tree" }, defs).kind).toBe("group");
  });

  it("takes column names for columns", () => {
    const items = { type: "object", properties: { field: { type: "string" } } };
    const [setting] = settingsOf({ properties: { by: { type: "array", items } } });
    expect(setting?.shape.item?.fields?.[0]?.shape.kind).toBe("column");
  });
});

it("begins a new entry with what it needs", () => {
  const shape = shapeOf({
    type: "object",
    required: ["op"],
    properties: { op: { enum: ["sum", "mean"] }, as: { type: "string", default: "" } },
  });
  expect(blankOf(shape)).toEqual({ op: "sum" });
});

describe("entries", () => {
  const entries = ["a", "b", "c"].map((value, id) => ({ id, value }));

  it("move", () => {
    expect(moved(entries, 2, 0).map((each) => each.value)).toEqual(["c", "a", "b"]);
    expect(moved(entries, 2, 9)).toEqual(entries);
  });

  it("keep their identity when others change the list", () => {
    const next = reconcile(entries, ["c", "x", "a"]);
    expect(next.map((each) => each.id)).toEqual([2, 1, 0]);
  });
});

describe("an expression", () => {
  it.each([
    ["item.amount > 100", ["field:item.amount", "plain: > ", "number:100"]],
    [
      'lower(item["a b"]) == "x"',
      ["call:lower", "plain:(", 'field:item["a b"]', "plain:) == ", 'text:"x"'],
    ],
    ["not item.ok", ["word:not", "plain: ", "field:item.ok"]],
    ["item.金额", ["field:item.金额"]],
  ])("%s is cut into its parts", (text, parts) => {
    expect(piecesOf(text).map(({ kind, text: part }) => `${kind}:${part}`)).toEqual(parts);
  });

  it("is never changed by cutting", () => {
    for (const text of ["", "a  b", '"open', "item.", "😀 item.x", "1.2.3"]) {
      expect(
        piecesOf(text)
          .map((piece) => piece.text)
          .join(""),
      ).toBe(text);
      expect(
        templatePieces(text)
          .map((piece) => piece.text)
          .join(""),
      ).toBe(text);
    }
  });

  it.each([
    ["item.am", ["item.amount"]],
    ["sum(item.", ["item.amount", 'item["order date"]']],
    ["it", ["item.amount", 'item["order date"]']],
    ["item.amount", []],
    ["note.it", []],
    ["profit", []],
    ["index > 3 and va", ["vars.limit"]],
    ["vars.", ["vars.limit"]],
    ["i", ["item.amount", 'item["order date"]', "index"]],
    ["index", []],
    ['"va', []],
    ['"done" == va', ["vars.limit"]],
    ["my_va", []],
  ])("%s is completed", (text, options) => {
    const columns = ["amount", "order date"];
    const found = completionsAt(text, text.length, columns, ["index", "vars.limit"]);
    expect(found.options).toEqual(options);
  });

  it("names columns so that they can be read", () => {
    expect(fieldText("amount")).toBe("item.amount");
    expect(fieldText("E-mail")).toBe('item["E-mail"]');
  });
});

it.each([
  ["hello", "oh hello", 3, 6],
  ["hello", "hello!", 3, 3],
  ["abcdef", "af", 4, 1],
  ["", "new", 0, 0],
])("the caret stays at its letter: %s to %s", (before, after, caret, expected) => {
  expect(movedCaret(before, after, caret)).toBe(expected);
});

it.each([
  ["by[0].field", ["by", 0, "field"]],
  ["by.0.field", ["by", 0, "field"]],
  [
    ["by", 0],
    ["by", 0],
  ],
  [null, []],
])("reads the path %s", (path, steps) => {
  expect(pathOf({ code: "", severity: "error", message: "", path })).toEqual(steps);
});

it.each([
  ["12", 12],
  ["-1.5", -1.5],
  ["true", true],
  ["null", null],
  ['{"a": 1}', { a: 1 }],
  ["12 Main St", "12 Main St"],
  ["truely", "truely"],
  ["", ""],
])("reads the value %s", (text, value) => {
  expect(scalarOf(text)).toEqual(value);
});

it("makes an object of finished pairs", () => {
  expect(
    objectOf([
      ["a", 1],
      ["", 2],
      [" a ", 3],
      ["b", null],
    ]),
  ).toEqual({ a: 1, b: null });
});

it("names settings and choices", () => {
  expect(humanise("on_bad_row")).toBe("On bad row");
  expect(optionLabel("count_distinct", {}, "zh")).toBe("去重计数");
  expect(optionLabel("utf-8", {}, "en")).toBe("utf-8");
  expect(optionLabel("my_choice", {}, "en")).toBe("My choice");
});

it("keeps the type of specs honest", () => {
  const spec: Pick<NodeSpec, "settings"> = { settings: {} };
  expect(settingsOf(spec.settings)).toEqual([]);
});

describe("an entry that is dragged", () => {
  // Three entries, the second one high: 0–30, 35–135, 140–170.
  const rows = [
    { top: 0, height: 30 },
    { top: 35, height: 100 },
    { top: 140, height: 30 },
  ];
  it.each([
    ["stays while the pointer is in it", 0, 20, 0],
    ["stays until the middle of the next is passed", 0, 80, 0],
    ["goes down past the middle of the next", 0, 90, 1],
    ["goes to the end with a pointer below all", 0, 900, 2],
    ["stays until the middle of the one before is passed", 2, 90, 2],
    ["goes up past the middle of the one before", 2, 80, 1],
    ["goes to the start with a pointer above all", 2, -50, 0],
  ])("%s", (_name, from, y, place) => {
    expect(placeOf(rows, from, y)).toBe(place);
  });
});

describe("a part of a column's name", () => {
  const columns = ["Salary €", "City", "Name", "First name"];
  it.each([
    ["Sal", "Salary €"],
    ["city", "City"],
    ["Name", null],
    ["na", null],
    ["Age", null],
    ["", null],
  ])("%j means %j", (text, column) => {
    expect(columnMeant(text, columns)).toBe(column);
  });
});
