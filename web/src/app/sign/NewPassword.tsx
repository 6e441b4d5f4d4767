import { PasswordInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import classes from "./SignLayout.module.css";
import { SHORTEST_PASSWORD, strengthOf } from "./strength";

interface NewPasswordProps {
  label: string;
  value: string;
  error?: string | undefined;
  onChange: (value: string) => void;
}

/** A field for a new password that says how strong it is. */
export function NewPassword({ label, value, error, onChange }: NewPasswordProps) {
  const { t } = useTranslation("sign");
  const level = strengthOf(value);
  return (
    <div>
      <PasswordInput
        label={label}
        value={value}
        error={error}
        autoComplete="new-password"
        name="password"
        aria-describedby="password-strength"
        visibilityToggleButtonProps={{ "aria-label": t("password.show") }}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
      <div className={classes.strength} id="password-strength" aria-live="polite">
        {value !== "" && (
          <span className={classes.bars} aria-hidden>
            {[1, 2, 3].map((bar) => (
              <i key={bar} data-on={level >= bar ? level : undefined} />
            ))}
          </span>
        )}
        {!error && (
          <span>
            <Advice value={value} level={level} />
          </span>
        )}
      </div>
    </div>
  );
}

function Advice({ value, level }: { value: string; level: 0 | 1 | 2 | 3 }) {
  const { t } = useTranslation("sign");
  if (value === "") return t("password.hint", { count: SHORTEST_PASSWORD });
  if (level === 0) {
    return t("password.too_short", { count: SHORTEST_PASSWORD - [...value].length });
  }
  if (level === 1) return t("password.weak");
  return level === 2 ? t("password.fair") : t("password.strong");
}
