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
  ].map((spec) => [spec.type, spec]),
);
