import type { Json, JsonSchema } from "@/api/types";

/** How a setting is edited. */
export type Kind =
  | "text"
  | "textarea"
  | "code"
  | "template"
  | "expression"
  | "password"
  | "path"
  | "flow"
  | "column"
  | "number"
  | "integer"
  | "boolean"
  | "enum"
  | "list"
  | "rows"
  | "map"
  | "group"
  | "json";

export interface Shape {
  kind: Kind;
  schema: JsonSchema;
  nullable: boolean;
  /** Of the entries of a list, or of the values of a map. */
  item?: Shape;
  /** Of the fields of an object, in their order. */
  fields?: { key: string; shape: Shape; required: boolean }[];
}

type Defs = Record<string, JsonSchema>;
const DEEPEST = 6;
const LONG_WIDGETS = new Set(["textarea", "code", "template"]);
const SHORT_WIDGETS = new Set(["expression", "password", "column", "path", "flow"]);
const COLUMN_NAMES = new Set(["field", "column"]);

function resolve(schema: JsonSchema, defs: Defs): JsonSchema {
  let current = schema;
  for (let step = 0; step < DEEPEST && current.$ref; step += 1) {
    const { $ref, ...rest } = current;
    const target = defs[$ref.replace(/^#\/\$defs\//, "")];
    if (!target) return rest;
    current = { ...target, ...rest };
  }
  if (current.allOf?.length === 1 && current.allOf[0]) {
    const { allOf, ...rest } = current;
    return { ...resolve(allOf[0] as JsonSchema, defs), ...rest };
  }
  return current;
}

function isNull(schema: JsonSchema): boolean {
  return schema.type === "null" || schema.const === null;
}

/** Takes "or null" out of a schema. */
function withoutNull(schema: JsonSchema, defs: Defs): { schema: JsonSchema; nullable: boolean } {
  const options = schema.anyOf ?? schema.oneOf;
  if (options) {
    const rest = options.filter((option) => !isNull(option));
    const nullable = rest.length < options.length;
    const { anyOf: _any, oneOf: _one, ...outer } = schema;
    if (rest.length === 1 && rest[0]) {
      return { schema: { ...resolve(rest[0], defs), ...outer }, nullable };
    }
    return { schema, nullable };
  }
  if (Array.isArray(schema.type) && schema.type.includes("null")) {
    const types = schema.type.filter((type) => type !== "null");
    const type = types.length === 1 ? (types[0] as string) : types;
    return { schema: { ...schema, type }, nullable: true };
  }
  return { schema, nullable: false };
}

function stringKind(schema: JsonSchema, key: string): Kind {
  const widget = schema["x-widget"] ?? schema.format ?? "";
  if (SHORT_WIDGETS.has(widget)) return widget as Kind;
  if (LONG_WIDGETS.has(widget)) return widget as Kind;
  return COLUMN_NAMES.has(key) ? "column" : "text";
}

function objectShape(schema: JsonSchema, defs: Defs, depth: number): Partial<Shape> {
  if (schema.properties && Object.keys(schema.properties).length > 0) {
    const required = new Set(schema.required ?? []);
    const fields = Object.entries(schema.properties).map(([key, field]) => ({
      key,
      shape: shapeOf(field, defs, key, depth + 1),
      required: required.has(key),
    }));
    return { kind: "group", fields };
  }
  const values = schema.additionalProperties;
  if (values && typeof values === "object") {
    return { kind: "map", item: shapeOf(values, defs, "", depth + 1) };
  }
  return { kind: "json" };
}

function listShape(schema: JsonSchema, defs: Defs, depth: number): Partial<Shape> {
  if (!schema.items) return { kind: "json" };
  const item = shapeOf(schema.items, defs, "", depth + 1);
  if (item.kind === "group") return { kind: "rows", item };
  const simple: Kind[] = ["text", "path", "enum", "number", "integer", "expression", "column"];
  if (!simple.includes(item.kind)) return { kind: "json" };
  const columns = schema["x-widget"] === "columns" && item.kind === "text";
  return { kind: "list", item: columns ? { ...item, kind: "column" } : item };
}

function byType(schema: JsonSchema, defs: Defs, key: string, depth: number): Partial<Shape> {
  if (schema.enum || schema.const !== undefined) return { kind: "enum" };
  switch (schema.type) {
    case "string":
      return { kind: stringKind(schema, key) };
    case "number":
    case "integer":
      return { kind: schema.type };
    case "boolean":
      return { kind: "boolean" };
    case "array":
      return listShape(schema, defs, depth);
    case "object":
      return objectShape(schema, defs, depth);
    default:
      return { kind: schema["x-widget"] === "expression" ? "expression" : "json" };
  }
}

/** Decides how a value of a schema is edited. */
export function shapeOf(schema: JsonSchema, defs: Defs = {}, key = "", depth = 0): Shape {
  const resolved = withoutNull(resolve(schema, defs), defs);
  if (depth > DEEPEST) return { kind: "json", ...resolved };
  return { kind: "json", ...resolved, ...byType(resolved.schema, defs, key, depth) };
}

export interface Setting {
  key: string;
  shape: Shape;
  required: boolean;
}

/** The settings of a node type, in the order of its schema. */
export function settingsOf(schema: JsonSchema): Setting[] {
  const defs = schema.$defs ?? {};
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([key, property]) => ({
    key,
    shape: shapeOf(property, defs, key),
    required: required.has(key),
  }));
}

/** The values an enumeration allows. */
export function optionsOf(shape: Shape): Json[] {
  return shape.schema.enum ?? (shape.schema.const === undefined ? [] : [shape.schema.const]);
}

/** Whether a setting is shown, by `x-visible-if`: {other setting: value or list of values}. */
export function isVisible(setting: Setting, lookUp: (key: string) => Json | undefined): boolean {
  const condition = setting.shape.schema["x-visible-if"];
  if (!condition) return true;
  return Object.entries(condition).every(([key, wanted]) => {
    const value = lookUp(key) ?? null;
    return Array.isArray(wanted) ? wanted.includes(value) : wanted === value;
  });
}

/** What an entry that was just added begins with. */
export function blankOf(shape: Shape): Json {
  if (shape.schema.default !== undefined) return structuredClone(shape.schema.default);
  switch (shape.kind) {
    case "enum":
      return optionsOf(shape)[0] ?? "";
    case "number":
    case "integer":
      return shape.schema.minimum ?? 0;
    case "boolean":
      return false;
    case "list":
    case "rows":
      return [];
    case "map":
      return {};
    case "json":
      return null;
    case "group": {
      const needed = (shape.fields ?? []).filter((field) => field.required);
      return Object.fromEntries(needed.map((field) => [field.key, blankOf(field.shape)]));
    }
    default:
      return "";
  }
}
