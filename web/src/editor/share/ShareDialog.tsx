import { ActionIcon, Button, Select, TextInput, Tooltip } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { IconCheck, IconLink, IconUserMinus } from "@tabler/icons-react";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { useMembers } from "@/api/accounts";
import { useSession as useAccount } from "@/api/session";
import type { FlowInfo, Role } from "@/api/types";
import { Person } from "./Person";
import classes from "./Share.module.css";
import { type Share, useReplaceShares, useShares, withoutShare, withShare } from "./shares";

/** Who can open this flow; owners say who else may. */
export function ShareDialog({ flow }: { flow: FlowInfo }) {
  const { t } = useTranslation("editor");
  const { workspaces } = useAccount();
  const workspace = workspaces.find(({ id }) => id === flow.workspace_id);
  const mayShare = flow.role === "owner";
  const shares = useShares(flow.id).data?.items ?? [];
  const replace = useReplaceShares(flow.id);
  const busy = replace.isPending;
  const keep = async (items: Parameters<typeof replace.mutateAsync>[0]) => {
    await replace.mutateAsync(items);
  };
  return (
    <div className={classes.dialog} data-testid="share-dialog">
      {mayShare ? (
        <AddForm busy={busy} onAdd={(email, role) => keep(withShare(shares, email, role))} />
      ) : (
        <p className={classes.lead}>{t("share.ownersOnly")}</p>
      )}
      {shares.length > 0 && (
        <section>
          <h3>{t("share.flow")}</h3>
          <ul className={classes.people}>
            {shares.map((share) => (
              <SharedWith
                key={share.user.id}
                share={share}
                mayChange={mayShare && !busy}
                onRole={(role) => replace.mutate(withShare(shares, share.user.email, role))}
                onRemove={() => replace.mutate(withoutShare(shares, share.user.id))}
              />
            ))}
          </ul>
        </section>
      )}
      {workspace && <Members workspaceId={workspace.id} name={workspace.name} />}
      <CopyLink flowId={flow.id} />
    </div>
  );
}

/** What somebody may be given for one flow. */
function useRoles(): { value: Role; label: string }[] {
  const { t } = useTranslation();
  return (["editor", "viewer"] as const).map((role) => ({ value: role, label: t(`role.${role}`) }));
}

interface AddFormProps {
  busy: boolean;
  onAdd: (email: string, role: Role) => Promise<void>;
}

function AddForm({ busy, onAdd }: AddFormProps) {
  const { t } = useTranslation("editor");
  const roles = useRoles();
  const [email, setEmail] = useState("");
  const [role, setRole] = useState<Role>("editor");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (email.trim() === "") return;
    onAdd(email, role).then(
      () => setEmail(""),
      () => undefined,
    );
  };
  return (
    <form className={classes.add} onSubmit={submit}>
      <TextInput
        type="email"
        label={t("share.email")}
        value={email}
        data-autofocus
        data-testid="share-email"
        onChange={(event) => setEmail(event.currentTarget.value)}
      />
      <Select
        className={classes.role ?? ""}
        label={t("share.role")}
        data={roles}
        value={role}
        allowDeselect={false}
        onChange={(value) => setRole((value ?? "editor") as Role)}
      />
      <Button type="submit" variant="filled" loading={busy} disabled={email.trim() === ""}>
        {t("share.add")}
      </Button>
    </form>
  );
}

interface SharedWithProps {
  share: Share;
  mayChange: boolean;
  onRole: (role: Role) => void;
  onRemove: () => void;
}

function SharedWith({ share: { user, role }, mayChange, onRole, onRemove }: SharedWithProps) {
  const { t } = useTranslation(["editor", "common"]);
  const roles = useRoles();
  const remove = t("share.remove", { name: user.name });
  return (
    <Person user={user}>
      {mayChange ? (
        <>
          <Select
            className={classes.role ?? ""}
            aria-label={t("share.roleOf", { name: user.name })}
            data={roles}
            value={role}
            allowDeselect={false}
            onChange={(value) => value && value !== role && onRole(value as Role)}
          />
          <Tooltip label={remove}>
            <ActionIcon aria-label={remove} onClick={onRemove}>
              <IconUserMinus size={16} stroke={1.6} />
            </ActionIcon>
          </Tooltip>
        </>
      ) : (
        <span className={classes.muted}>{t(`role.${role}`, { ns: "common" })}</span>
      )}
    </Person>
  );
}

/** Everybody of the workspace has access by being in it. */
function Members({ workspaceId, name }: { workspaceId: string; name: string }) {
  const { t } = useTranslation(["editor", "common"]);
  const members = useMembers(workspaceId).data?.items ?? [];
  return (
    <section>
      <h3>
        {t("share.workspace", { name })}
        <Link href="/settings/members">{t("share.manage")}</Link>
      </h3>
      <ul className={classes.people}>
        {members.map(({ user, role }) => (
          <Person key={user.id} user={user}>
            <span className={classes.muted}>{t(`role.${role}`, { ns: "common" })}</span>
          </Person>
        ))}
      </ul>
    </section>
  );
}

const ONLY_HERE = /^(localhost|127\.|\[::1\])/;

function CopyLink({ flowId }: { flowId: string }) {
  const { t } = useTranslation(["editor", "common"]);
  const clipboard = useClipboard({ timeout: 2500 });
  const link = `${window.location.origin}/flows/${flowId}`;
  const Sign = clipboard.copied ? IconCheck : IconLink;
  return (
    <section>
      <div className={classes.link}>
        <TextInput
          readOnly
          value={link}
          aria-label={t("share.link")}
          onFocus={(event) => event.currentTarget.select()}
        />
        <Button leftSection={<Sign size={15} stroke={1.7} />} onClick={() => clipboard.copy(link)}>
          {clipboard.copied ? t("action.copied", { ns: "common" }) : t("share.copy")}
        </Button>
      </div>
      <p className={classes.lead}>
        {t(ONLY_HERE.test(window.location.host) ? "share.linkHere" : "share.linkText")}
      </p>
    </section>
  );
}
