/** A small catalogue for tests, in the shape of `/api/node-types`. */
import type { SpecLike } from "../types";

const rows = { name: "rows", type: "Stream[Row]" };

export const SPECS: ReadonlyMap<string, SpecLike> = new Map(
  [
    {
      type: "file.read_csv",
      name: "Read CSV",
      category: "source",
      version: 1,
      inputs: [],
      outputs: [rows],
      settings: { properties: { path: {} }, required: ["path"] },
    },
    {
      type: "data.filter",
      name: "Filter",
      category: "process",
      version: 1,
      inputs: [{ name: "rows", type: "Stream[T]", required: true }],
      outputs: [{ name: "rows", type: "Stream[T]" }],
      settings: { properties: { where: { "x-widget": "expression" } }, required: ["where"] },
    },
    {
      type: "text.template",
      name: "Template",
      category: "process",
      version: 1,
      inputs: [{ name: "item", type: "Row", required: true }],
      outputs: [{ name: "text", type: "Text" }],
      settings: { properties: { template: { "x-widget": "template" } }, required: ["template"] },
    },
    {
      type: "text.split",
      name: "Split text",
      category: "process",
      version: 1,
      inputs: [{ name: "text", type: "Text", required: true }],
      outputs: [{ name: "chunks", type: "Stream[Text]" }],
      settings: { properties: { size: { default: 500 }, overlap: { default: 50 } } },
    },
    {
      type: "control.merge",
      name: "Merge",
      category: "control",
      version: 1,
      inputs: [{ name: "inputs", type: "Stream[Any]", required: true, multiple: true }],
      outputs: [{ name: "out", type: "Stream[Any]" }],
      settings: {},
    },
    {
      type: "show.table",
      name: "Table",
      category: "output",
      version: 1,
      inputs: [{ name: "rows", type: "Stream[Row]", required: true }],
      outputs: [],
      settings: {},
    },
    {
      type: "control.for_each",
      name: "For each",
      category: "control",
      version: 1,
      works: "container" as const,
      inputs: [{ name: "items", type: "Stream[T]", required: true }],
      outputs: [
        { name: "results", type: "Stream[U]" },
        { name: "errors", type: "Stream[Row]" },
      ],
      inside: {
        outputs: [
          { name: "item", type: "T" },
          { name: "index", type: "Number" },
        ],
        inputs: [{ name: "result", type: "U", required: false }],
      },
      settings: {},
    },
    {
      type: "control.try",
      name: "Try",
      category: "control",
      version: 1,
      works: "container" as const,
      inputs: [{ name: "item", type: "T", required: false }],
      outputs: [
        { name: "result", type: "U" },
        { name: "failed", type: "Row" },
      ],
      inside: {
        outputs: [
          { name: "item", type: "T" },
          { name: "error", type: "Row", section: "catch" },
          { name: "outcome", type: "Row", section: "finally" },
        ],
        inputs: [
          { name: "result", type: "U", required: false },
          { name: "caught", type: "U", required: false, section: "catch" },
        ],
      },
      settings: {},
    },
    {
      type: "control.switch",
      name: "Switch",
      category: "control",
      version: 1,
      inputs: [{ name: "item", type: "T", required: true }],
      outputs: [],
      ports_from: { setting: "cases", key: "name", type: "T", also: ["otherwise"] },
      settings: { properties: { cases: {} }, required: ["cases"] },
    },
  ].map((spec) => [spec.type, spec]),
);
