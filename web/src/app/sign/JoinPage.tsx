import { Button, PasswordInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { useInvitation } from "@/api/accounts";
import { acceptInvitation, signOut, useSessionState } from "@/api/session";
import type { InvitationLook } from "@/api/types";
import { asUiLanguage } from "@/i18n";
import { useErrorText } from "@/ui/useErrorText";
import { Waiting } from "@/ui/Waiting";
import { usePageTitle } from "../title";
import { AccountForm } from "./AccountForm";
import { FormError } from "./FormError";
import { SignLayout } from "./SignLayout";
import classes from "./SignLayout.module.css";
import { takeToken } from "./token";

/** Accepting an invitation to a workspace. */
export default function JoinPage() {
  const { t } = useTranslation("sign");
  usePageTitle(t("join.title"));
  const [token] = useState(takeToken);
  const state = useSessionState();
  const invitation = useInvitation(token);
  const describe = useErrorText();
  if (!token) return <SignLayout title={t("join.missing")} lead={t("join.missing_text")} />;
  if (invitation.error) {
    const { message, hint } = describe(invitation.error);
    return <SignLayout title={message} lead={hint} />;
  }
  if (!invitation.data) return <Waiting />;
  if (state.data?.kind === "in") return <SignedInAlready name={state.data.session.user.name} />;
  return <Accept token={token} invitation={invitation.data} />;
}

function Accept({ token, invitation }: { token: string; invitation: InvitationLook }) {
  const { t, i18n } = useTranslation("sign");
  const [, navigate] = useLocation();
  const join = useMutation({
    mutationFn: ({ name, password }: { name: string; password: string }) =>
      acceptInvitation({ token, name, password, language: asUiLanguage(i18n.language) }),
    onSuccess: () => navigate("/", { replace: true }),
  });
  const { workspace, invited_by, email, has_account } = invitation;
  const title = t("join.to", { workspace });
  if (has_account) {
    return (
      <SignLayout title={title} lead={t("join.known", { inviter: invited_by, email })}>
        <KnownForm
          email={email}
          busy={join.isPending}
          error={join.error}
          onSubmit={(password) => join.mutate({ name: email, password })}
        />
      </SignLayout>
    );
  }
  return (
    <SignLayout title={title} lead={t("join.lead", { inviter: invited_by, email })}>
      <AccountForm
        withEmail={false}
        submitLabel={t("join.submit")}
        busy={join.isPending}
        error={join.error}
        onSubmit={(account) => join.mutate(account)}
      />
    </SignLayout>
  );
}

interface KnownFormProps {
  email: string;
  busy: boolean;
  error: unknown;
  onSubmit: (password: string) => void;
}

function KnownForm({ email, busy, error, onSubmit }: KnownFormProps) {
  const { t } = useTranslation("sign");
  const [password, setPassword] = useState("");
  function submit(event: FormEvent): void {
    event.preventDefault();
    onSubmit(password);
  }
  return (
    <form className={classes.form} onSubmit={submit}>
      <input type="hidden" name="email" autoComplete="username" value={email} />
      <PasswordInput
        label={t("signin.password")}
        autoComplete="current-password"
        autoFocus
        required
        withAsterisk={false}
        value={password}
        visibilityToggleButtonProps={{ "aria-label": t("password.show") }}
        onChange={(event) => setPassword(event.currentTarget.value)}
      />
      <FormError error={error} />
      <Button type="submit" variant="filled" size="md" fullWidth loading={busy}>
        {t("join.submit")}
      </Button>
    </form>
  );
}

function SignedInAlready({ name }: { name: string }) {
  const { t } = useTranslation(["sign", "common"]);
  return (
    <SignLayout title={t("join.title")} lead={t("join.signed_in", { name })}>
      <div className={classes.form}>
        <Button onClick={() => void signOut()}>{t("menu.sign_out", { ns: "common" })}</Button>
      </div>
    </SignLayout>
  );
}
