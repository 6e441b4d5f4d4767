import { Button, PasswordInput, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { signIn, useSessionState } from "@/api/session";
import { usePageTitle } from "../title";
import { FormError } from "./FormError";
import { SignLayout } from "./SignLayout";
import classes from "./SignLayout.module.css";

/** Signing in; the router then leads to where one wanted to go. */
export default function SignInPage() {
  const { t } = useTranslation("sign");
  usePageTitle(t("signin.title"));
  const state = useSessionState();
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const enter = useMutation({ mutationFn: () => signIn(email.trim(), password) });
  const expired = state.data?.kind === "out" && state.data.expired;
  function submit(event: FormEvent): void {
    event.preventDefault();
    enter.mutate();
  }
  return (
    <SignLayout
      title={t("signin.title")}
      lead={expired ? undefined : t("signin.lead")}
      foot={t("signin.help")}
    >
      {expired && <div className={classes.notice}>{t("signin.expired")}</div>}
      <form className={classes.form} onSubmit={submit}>
        <TextInput
          label={t("signin.email")}
          type="email"
          name="email"
          autoComplete="username"
          autoFocus
          required
          withAsterisk={false}
          value={email}
          onChange={(event) => setEmail(event.currentTarget.value)}
        />
        <PasswordInput
          label={t("signin.password")}
          name="password"
          autoComplete="current-password"
          required
          withAsterisk={false}
          value={password}
          visibilityToggleButtonProps={{ "aria-label": t("password.show") }}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <FormError error={enter.error} />
        <Button
          className={classes.submit ?? ""}
          type="submit"
          variant="filled"
          size="md"
          fullWidth
          loading={enter.isPending}
        >
          {t("signin.submit")}
        </Button>
      </form>
    </SignLayout>
  );
}
