import { NumberInput } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormats } from "@/ui/format";

const MOST = 1_000_000_000;

/** From which time on that its condition holds a breakpoint stops. */
export function HitsField({ value, onChange }: { value: number; onChange: (n: number) => void }) {
  const { t } = useTranslation("editor");
  const formats = useFormats();
  const [typed, setTyped] = useState<number | string>(value);
  const fits = isCount(typed);
  return (
    <NumberInput
      size="xs"
      label={t("breakpoint.hits")}
      min={1}
      max={MOST}
      clampBehavior="none"
      allowDecimal={false}
      value={typed}
      error={!fits && t("breakpoint.hitsWrong", { most: formats.number(MOST) })}
      onChange={(next) => {
        setTyped(next);
        if (isCount(next)) onChange(next);
      }}
      // What fits no count is left behind: the count that holds is shown again.
      onBlur={() => setTyped(value)}
    />
  );
}

const isCount = (typed: number | string): typed is number =>
  typeof typed === "number" && Number.isInteger(typed) && typed >= 1 && typed <= MOST;
