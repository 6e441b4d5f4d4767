import { TextInput } from "@mantine/core";
import type { ShapedProps } from "../Control";
import { useForm } from "../context";
import { useDraft } from "../draft";
import { placeholderOf } from "../placeholder";

/** One line of text. */
export function TextControl({ shape, value, onChange, label, invalid = false }: ShapedProps) {
  const { readOnly } = useForm();
  const draft = useDraft(typeof value === "string" ? value : "", (text: string) =>
    onChange(text === "" && shape.schema.default !== "" ? undefined : text),
  );
  const mono = shape.schema["x-widget"] === "url";
  return (
    <TextInput
      aria-label={label}
      type={shape.kind === "password" ? "password" : "text"}
      autoComplete="off"
      spellCheck={false}
      readOnly={readOnly}
      error={invalid}
      placeholder={placeholderOf(shape)}
      {...(mono && { styles: { input: { fontFamily: "var(--mono)", fontSize: 12 } } })}
      {...(shape.schema.maxLength !== undefined && { maxLength: shape.schema.maxLength })}
      value={draft.value}
      onChange={(event) => draft.change(event.currentTarget.value)}
      onBlur={draft.commit}
      onKeyDown={(event) => event.key === "Enter" && draft.commit()}
    />
  );
}
