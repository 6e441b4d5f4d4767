import { TextInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Json } from "@/flow/types";

/** A value as people write it: JSON where it is JSON, else plain text. */
export function parseValue(text: string): Json {
  const trimmed = text.trim();
  if (!/^(-?\d|[[{"]|true$|false$|null$)/.test(trimmed)) return text;
  try {
    return JSON.parse(trimmed) as Json;
  } catch {
    return text;
  }
}

export function valueText(value: Json | undefined): string {
  if (value === undefined) return "";
  if (typeof value !== "string") return JSON.stringify(value);
  return parseValue(value) === value ? value : JSON.stringify(value);
}

interface JsonFieldProps {
  label: string;
  value: Json | undefined;
  readOnly: boolean;
  onChange: (value: Json | undefined) => void;
}

/** One line that holds any JSON value; it is taken over when the field is left. */
export function JsonField({ label, value, readOnly, onChange }: JsonFieldProps) {
  const { t } = useTranslation("editor");
  const [draft, setDraft] = useState<string | null>(null);
  const finish = () => {
    if (draft !== null) onChange(draft === "" ? undefined : parseValue(draft));
    setDraft(null);
  };
  return (
    <TextInput
      value={draft ?? valueText(value)}
      placeholder={t("value.hint")}
      aria-label={label}
      readOnly={readOnly}
      onChange={(event) => setDraft(event.currentTarget.value)}
      onBlur={finish}
      onKeyDown={(event) => {
        if (event.key === "Enter" && !event.nativeEvent.isComposing) finish();
      }}
    />
  );
}
