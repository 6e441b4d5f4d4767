import { Button, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { setUp, useSessionState } from "@/api/session";
import { asUiLanguage } from "@/i18n";
import { usePageTitle } from "../title";
import { AccountForm, type NewAccount } from "./AccountForm";
import { SignLayout } from "./SignLayout";
import classes from "./SignLayout.module.css";
import { takeToken, tokenOf } from "./token";

/** The first start: creates the account that owns the server. */
export default function SetupPage() {
  const { t, i18n } = useTranslation("sign");
  usePageTitle(t("setup.title"));
  const [token, setToken] = useState(takeToken);
  const [, navigate] = useLocation();
  const state = useSessionState();
  const create = useMutation({
    mutationFn: (account: NewAccount) =>
      setUp({ token, ...account, language: asUiLanguage(i18n.language) }),
    onSuccess: () => navigate("/", { replace: true }),
  });
  if (state.data?.kind === "out") return <AlreadyDone />;
  if (!token) return <AskForToken onToken={setToken} />;
  return (
    <SignLayout title={t("setup.title")} lead={t("setup.lead")}>
      <AccountForm
        withEmail
        submitLabel={t("setup.submit")}
        busy={create.isPending}
        error={create.error}
        onSubmit={(account) => create.mutate(account)}
      />
    </SignLayout>
  );
}

function AlreadyDone() {
  const { t } = useTranslation("sign");
  const [, navigate] = useLocation();
  return (
    <SignLayout title={t("setup.done")}>
      <div className={classes.form}>
        <Button variant="filled" size="md" onClick={() => navigate("/signin")}>
          {t("signin.title")}
        </Button>
      </div>
    </SignLayout>
  );
}

function AskForToken({ onToken }: { onToken: (token: string) => void }) {
  const { t } = useTranslation("sign");
  const [text, setText] = useState("");
  const token = tokenOf(text);
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (token) onToken(token);
  }
  return (
    <SignLayout title={t("setup.need_link")} lead={t("setup.need_link_text")}>
      <form className={classes.form} onSubmit={submit}>
        <TextInput
          label={t("setup.paste")}
          value={text}
          onChange={(event) => setText(event.currentTarget.value)}
        />
        <Button type="submit" variant="filled" size="md" disabled={!token}>
          {t("setup.continue")}
        </Button>
      </form>
    </SignLayout>
  );
}
