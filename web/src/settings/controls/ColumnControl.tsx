import { Autocomplete } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { ShapedProps } from "../Control";
import { useForm } from "../context";
import { useDraft } from "../draft";

/** The one column that a part of a name can only mean; null when it is one itself, or several. */
export function columnMeant(text: string, columns: readonly string[]): string | null {
  const part = text.trim().toLowerCase();
  if (part === "" || columns.includes(text)) return null;
  const found = columns.filter((column) => column.toLowerCase().includes(part));
  return found.length === 1 ? (found[0] ?? null) : null;
}

/** The name of a column, with those the incoming records had as suggestions. */
export function ColumnControl(props: ShapedProps) {
  const { shape, value, onChange, label, invalid = false, compact = false } = props;
  const { t } = useTranslation("form");
  const { columns, readOnly } = useForm();
  const draft = useDraft(typeof value === "string" ? value : "", (text: string) =>
    onChange(text === "" && shape.schema.default === "" ? undefined : text),
  );
  function finish(): void {
    const meant = columnMeant(draft.value, columns);
    if (meant === null) draft.commit();
    else draft.set(meant);
  }
  return (
    <Autocomplete
      aria-label={label}
      data={[...columns]}
      value={draft.value}
      readOnly={readOnly}
      error={invalid}
      placeholder={compact ? label : t("column")}
      spellCheck={false}
      maxDropdownHeight={220}
      onChange={draft.change}
      onOptionSubmit={draft.set}
      onBlur={draft.commit}
      onKeyDown={(event) => event.key === "Enter" && finish()}
      comboboxProps={{ width: "max-content", position: "bottom-start" }}
    />
  );
}
