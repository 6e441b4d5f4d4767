import { NumberInput } from "@mantine/core";
import type { ShapedProps } from "../Control";
import { useForm } from "../context";
import { useDraft } from "../draft";
import { placeholderOf } from "../placeholder";

type Typed = number | string;

function limits(props: ShapedProps): { min?: number; max?: number; step: number } {
  const { schema, kind } = props.shape;
  const whole = kind === "integer";
  const step = schema.multipleOf ?? (whole ? 1 : 0.1);
  const above = schema.exclusiveMinimum;
  const below = schema.exclusiveMaximum;
  const min = schema.minimum ?? (above === undefined ? undefined : whole ? above + 1 : above);
  const max = schema.maximum ?? (below === undefined ? undefined : whole ? below - 1 : below);
  return { step, ...(min !== undefined && { min }), ...(max !== undefined && { max }) };
}

/** A number within its bounds; empty means the default, or nothing where that is allowed. */
export function NumberControl(props: ShapedProps) {
  const { shape, value, onChange, label, invalid = false, compact = false } = props;
  const { readOnly } = useForm();
  const draft = useDraft<Typed>(typeof value === "number" ? value : "", (typed) => {
    const number = typeof typed === "number" ? typed : Number.parseFloat(typed);
    onChange(Number.isFinite(number) ? number : undefined);
  });
  return (
    <NumberInput
      aria-label={label}
      {...limits(props)}
      allowDecimal={shape.kind === "number"}
      clampBehavior="blur"
      hideControls={compact}
      readOnly={readOnly}
      error={invalid}
      placeholder={placeholderOf(shape)}
      value={draft.value}
      onChange={(next) => {
        if (next !== draft.value) draft.change(next);
      }}
      onBlur={draft.commit}
      onKeyDown={(event) => event.key === "Enter" && draft.commit()}
    />
  );
}
