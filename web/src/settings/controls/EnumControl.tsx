import { SegmentedControl, Select } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Json } from "@/api/types";
import type { ShapedProps } from "../Control";
import { useForm } from "../context";
import { optionsOf } from "../schema";
import { optionLabel } from "../words";

const MOST_SEGMENTS = 4;
const WIDEST = 30;
const NONE = "\u0000";

/** How wide a text is, counting full-width characters twice. */
function widthOf(text: string): number {
  return [...text].reduce((sum, letter) => sum + (/[\u2e80-\uffef]/.test(letter) ? 2 : 1), 0);
}

/** One of several choices: side by side when they are few and short, else in a list. */
export function EnumControl(props: ShapedProps) {
  const { shape, value, onChange, label, invalid = false, compact = false } = props;
  const { t } = useTranslation("form");
  const { language, readOnly } = useForm();
  const options = optionsOf(shape);
  const data = options.map((option) => ({
    value: JSON.stringify(option),
    label: optionLabel(option, shape.schema, language),
  }));
  if (shape.nullable) data.unshift({ value: NONE, label: t("none") });
  const fallback = shape.schema.default === null ? NONE : JSON.stringify(shape.schema.default);
  const current = value === null ? NONE : value === undefined ? fallback : JSON.stringify(value);
  const known = data.some((option) => option.value === current);
  const choose = (text: string): void =>
    onChange(text === NONE ? null : (JSON.parse(text) as Json));
  const width = data.reduce((sum, option) => sum + widthOf(option.label) + 2, 0);
  if (!compact && known && data.length <= MOST_SEGMENTS && width <= WIDEST) {
    return (
      <SegmentedControl
        fullWidth
        aria-label={label}
        data={data}
        value={current}
        readOnly={readOnly}
        onChange={choose}
      />
    );
  }
  // A value that is not among the choices is shown, so that it can be seen and corrected.
  if (!known && value !== undefined && value !== null) {
    data.push({ value: current, label: typeof value === "string" ? value : current });
  }
  return (
    <Select
      aria-label={label}
      data={data}
      value={data.some((option) => option.value === current) ? current : null}
      searchable={data.length > 8}
      readOnly={readOnly}
      error={invalid}
      maxDropdownHeight={260}
      placeholder={t("choose")}
      onChange={(text) => text !== null && choose(text)}
      comboboxProps={{ width: compact ? "max-content" : "target", position: "bottom-start" }}
    />
  );
}
