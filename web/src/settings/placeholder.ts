import type { Json } from "@/api/types";
import type { Shape } from "./schema";

/** A default as it stands in an empty field. */
export function placeholderOf(shape: Shape): string {
  const { schema } = shape;
  if (schema["x-placeholder"]) return schema["x-placeholder"];
  const value = schema.default ?? schema.examples?.[0];
  return value === undefined || value === null ? "" : plain(value);
}

function plain(value: Json): string {
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
