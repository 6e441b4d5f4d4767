import { ActionIcon, Button, Select, TextInput, Tooltip } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { addMember, refreshMembers, revokeInvitation } from "@/api/accounts";
import type { Invitation, Role, Workspace } from "@/api/types";
import { useFormats } from "@/ui/format";
import { notify } from "@/ui/notify";
import { useErrorText } from "@/ui/useErrorText";
import { isLoopback } from "./loopback";
import { useRoleOptions } from "./MembersSection";
import { Secret } from "./Secret";
import classes from "./Settings.module.css";

interface InvitationsProps {
  workspace: Workspace;
  open: Invitation[];
}

/** Adding people, and the invitations that nobody has used yet. */
export function Invitations({ workspace, open }: InvitationsProps) {
  const { t } = useTranslation("settings");
  const describe = useErrorText();
  const formats = useFormats();
  const add = useMutation({
    mutationFn: ({ email, role }: { email: string; role: Role }) =>
      addMember(workspace.id, email, role),
    onSuccess: ({ member }) => {
      if (member) notify.good({ text: t("members.added", { name: member.user.name }) });
      void refreshMembers();
    },
    onError: (error) => notify.problem(describe(error)),
  });
  const fresh = add.data?.invitation;
  return (
    <section className={classes.card}>
      <h3>{t("invite.title")}</h3>
      <AddForm
        busy={add.isPending}
        onAdd={(email, role) => add.mutateAsync({ email, role }).then(() => undefined)}
      />
      {fresh && (
        <Secret
          title={t("invite.link_title", { email: fresh.email })}
          text={t("invite.link_text", { date: formats.date(fresh.expires_at) })}
          value={fresh.link}
          warning={isLoopback(fresh.link) ? t("invite.loopback") : undefined}
          copyLabel={t("invite.copy")}
          testId="invite-link"
        />
      )}
      {open.length > 0 && <OpenInvitations workspace={workspace} open={open} />}
    </section>
  );
}

interface AddFormProps {
  busy: boolean;
  onAdd: (email: string, role: Role) => Promise<void>;
}

function AddForm({ busy, onAdd }: AddFormProps) {
  const { t } = useTranslation("settings");
  const roles = useRoleOptions();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("editor");
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (!email.trim()) return;
    onAdd(email.trim(), role).then(
      () => setEmail(""),
      () => undefined,
    );
  }
  return (
    <form className={classes.inline} onSubmit={submit}>
      <TextInput
        className={classes.grow ?? ""}
        type="email"
        label={t("invite.email")}
        value={email}
        onChange={(event) => setEmail(event.currentTarget.value)}
      />
      <Select
        className={classes.role ?? ""}
        label={t("members.role")}
        data={roles}
        value={role}
        onChange={(value) => setRole(value as Role)}
      />
      <Button type="submit" variant="filled" loading={busy} disabled={!email.trim()}>
        {t("invite.add")}
      </Button>
    </form>
  );
}

function OpenInvitations({ workspace, open }: InvitationsProps) {
  const { t } = useTranslation("settings");
  const { t: common } = useTranslation();
  const describe = useErrorText();
  const formats = useFormats();
  async function revoke(invitation: Invitation): Promise<void> {
    try {
      await revokeInvitation(workspace.id, invitation.id);
    } catch (error) {
      notify.problem(describe(error));
    }
    await refreshMembers();
  }
  return (
    <>
      <h3 className={classes.openTitle}>{t("invite.open")}</h3>
      <ul className={classes.open}>
        {open.map((invitation) => {
          const label = t("invite.revoke", { email: invitation.email });
          return (
            <li key={invitation.id}>
              <span className={classes.grow}>{invitation.email}</span>
              <span className={classes.muted}>{common(`role.${invitation.role}`)}</span>
              <span className={classes.muted}>
                {t("invite.expires", { date: formats.date(invitation.expires_at) })}
              </span>
              <Tooltip label={label}>
                <ActionIcon aria-label={label} onClick={() => void revoke(invitation)}>
                  <IconX size={15} stroke={1.7} />
                </ActionIcon>
              </Tooltip>
            </li>
          );
        })}
      </ul>
    </>
  );
}
