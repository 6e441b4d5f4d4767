import { Button, TextInput } from "@mantine/core";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { FormError } from "./FormError";
import { NewPassword } from "./NewPassword";
import classes from "./SignLayout.module.css";
import { SHORTEST_PASSWORD } from "./strength";

export interface NewAccount {
  name: string;
  email: string;
  password: string;
}

interface AccountFormProps {
  withEmail: boolean;
  submitLabel: string;
  busy: boolean;
  error: unknown;
  onSubmit: (account: NewAccount) => void;
}

type Wrong = Partial<Record<keyof NewAccount, string>>;

function useChecks() {
  const { t } = useTranslation("sign");
  return (account: NewAccount, withEmail: boolean): Wrong => {
    const wrong: Wrong = {};
    if (!account.name.trim()) wrong.name = t("field.required");
    if (withEmail && !/^\S+@\S+$/.test(account.email.trim())) wrong.email = t("field.email");
    const missing = SHORTEST_PASSWORD - [...account.password].length;
    if (missing > 0) wrong.password = t("password.too_short", { count: missing });
    return wrong;
  };
}

/** The fields of a new account: of the first owner or of an invited person. */
export function AccountForm({ withEmail, submitLabel, busy, error, onSubmit }: AccountFormProps) {
  const { t } = useTranslation("sign");
  const check = useChecks();
  const [account, setAccount] = useState<NewAccount>({ name: "", email: "", password: "" });
  const [tried, setTried] = useState(false);
  const wrong = tried ? check(account, withEmail) : {};
  const change = (part: Partial<NewAccount>) => setAccount({ ...account, ...part });
  function submit(event: FormEvent): void {
    event.preventDefault();
    setTried(true);
    if (Object.keys(check(account, withEmail)).length > 0) return;
    onSubmit({ ...account, name: account.name.trim(), email: account.email.trim() });
  }
  return (
    <form className={classes.form} onSubmit={submit} noValidate>
      <TextInput
        label={t("setup.name")}
        description={t("setup.name_hint")}
        inputWrapperOrder={["label", "input", "description", "error"]}
        name="name"
        autoComplete="name"
        autoFocus
        value={account.name}
        error={wrong.name}
        onChange={(event) => change({ name: event.currentTarget.value })}
      />
      {withEmail && (
        <TextInput
          label={t("setup.email")}
          type="email"
          name="email"
          autoComplete="username"
          value={account.email}
          error={wrong.email}
          onChange={(event) => change({ email: event.currentTarget.value })}
        />
      )}
      <NewPassword
        label={t("setup.password")}
        value={account.password}
        error={wrong.password}
        onChange={(password) => change({ password })}
      />
      <FormError error={error} />
      <Button
        className={classes.submit ?? ""}
        type="submit"
        variant="filled"
        size="md"
        fullWidth
        loading={busy}
      >
        {submitLabel}
      </Button>
    </form>
  );
}
