import { Textarea } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Json } from "@/api/types";
import type { ShapedProps } from "../Control";
import { useForm } from "../context";
import { useDraft } from "../draft";
import classes from "../Form.module.css";
import { placeholderOf } from "../placeholder";

function textOf(value: Json | undefined): string {
  return value === undefined ? "" : JSON.stringify(value, null, 2);
}

/** Any JSON, written out: for what no other control suits. */
export function JsonControl({ shape, value, onChange, label, invalid = false }: ShapedProps) {
  const { t } = useTranslation("form");
  const { readOnly } = useForm();
  const [wrong, setWrong] = useState(false);
  const draft = useDraft(textOf(value), (text: string) => {
    if (text.trim() === "") {
      setWrong(false);
      onChange(undefined);
      return;
    }
    try {
      onChange(JSON.parse(text) as Json);
      setWrong(false);
    } catch {
      setWrong(true);
    }
  });
  return (
    <Textarea
      aria-label={label}
      classNames={{ input: classes.mono ?? "" }}
      autosize
      minRows={2}
      maxRows={12}
      spellCheck={false}
      readOnly={readOnly}
      error={wrong ? t("json.wrong") : invalid}
      placeholder={placeholderOf(shape)}
      value={draft.value}
      onChange={(event) => draft.change(event.currentTarget.value)}
      onBlur={draft.commit}
    />
  );
}
