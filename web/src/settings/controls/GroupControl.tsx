import type { Json, JsonObject } from "@/api/types";
import type { ShapedProps } from "../Control";
import { Field } from "../Field";
import classes from "../Form.module.css";

const NOTHING: JsonObject = {};

export function asObject(value: Json | undefined): JsonObject {
  return value !== null && typeof value === "object" && !Array.isArray(value) ? value : NOTHING;
}

/** An object with one of its fields changed; undefined takes the field out. */
export function withField(object: JsonObject, key: string, value: Json | undefined): JsonObject {
  if (value !== undefined) return { ...object, [key]: value };
  const { [key]: _old, ...rest } = object;
  return rest;
}

/** Several fields that belong together. */
export function GroupControl({ path, shape, value, onChange, labelId }: ShapedProps) {
  const object = asObject(value);
  return (
    <fieldset className={classes.group} aria-labelledby={labelId}>
      {(shape.fields ?? []).map(({ key, shape: inner, required }) => (
        <Field
          key={key}
          path={[...path, key]}
          shape={inner}
          required={required}
          value={object[key]}
          onChange={(next) => onChange(withField(object, key, next))}
        />
      ))}
    </fieldset>
  );
}
