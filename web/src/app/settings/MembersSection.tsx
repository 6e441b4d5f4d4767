import { ActionIcon, Select, Tooltip } from "@mantine/core";
import { IconUserMinus } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { changeRole, refreshMembers, removeMember, useMembers } from "@/api/accounts";
import { refreshSession, useSession, useWorkspace } from "@/api/session";
import type { Member, Role, Workspace } from "@/api/types";
import { Avatar } from "@/ui/Avatar";
import { Confirm } from "@/ui/Confirm";
import { notify } from "@/ui/notify";
import { useErrorText } from "@/ui/useErrorText";
import { Invitations } from "./Invitations";
import classes from "./Settings.module.css";

const ROLES: Role[] = ["owner", "editor", "viewer"];

/** The roles with their names, for a select. */
export function useRoleOptions(): { value: Role; label: string }[] {
  const { t } = useTranslation();
  return ROLES.map((role) => ({ value: role, label: t(`role.${role}`) }));
}

/** The people of the workspace and what they may do. */
export function MembersSection() {
  const { t } = useTranslation("settings");
  const workspace = useWorkspace();
  const members = useMembers(workspace?.id);
  if (!workspace) return null;
  return (
    <>
      <div className={classes.intro}>
        <h2>{t("members.title", { workspace: workspace.name })}</h2>
        <p>{t("members.lead")}</p>
      </div>
      {workspace.role === "owner" && (
        <Invitations workspace={workspace} open={members.data?.invitations ?? []} />
      )}
      <table className={classes.table}>
        <thead>
          <tr>
            <th>{t("members.person")}</th>
            <th>{t("members.role")}</th>
            <td />
          </tr>
        </thead>
        <tbody>
          {(members.data?.items ?? []).map((member) => (
            <MemberRow key={member.user.id} member={member} workspace={workspace} />
          ))}
        </tbody>
      </table>
    </>
  );
}

function MemberRow({ member, workspace }: { member: Member; workspace: Workspace }) {
  const { t } = useTranslation("settings");
  const { user: me } = useSession();
  const describe = useErrorText();
  const { user, role } = member;
  const isMe = user.id === me.id;
  const mayManage = workspace.role === "owner";

  async function attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      notify.problem(describe(error));
    }
    await refreshMembers();
    if (isMe) await refreshSession();
  }

  return (
    <tr data-testid="member-row">
      <td>
        <div className={classes.person}>
          <Avatar name={user.name} color={user.color} size={30} />
          <span>
            <b>{user.name}</b> {isMe && <i className={classes.muted}>({t("members.you")})</i>}
            <span>{user.email}</span>
          </span>
        </div>
      </td>
      <td>
        {mayManage ? (
          <RoleSelect
            name={user.name}
            role={role}
            onChange={(next) => void attempt(() => changeRole(workspace.id, user.id, next))}
          />
        ) : (
          <RoleName role={role} />
        )}
      </td>
      <td>
        {(mayManage || isMe) && (
          <RemoveMember
            member={member}
            isMe={isMe}
            onRemove={() => attempt(() => removeMember(workspace.id, user.id))}
          />
        )}
      </td>
    </tr>
  );
}

function RoleName({ role }: { role: Role }) {
  const { t } = useTranslation();
  return t(`role.${role}`);
}

interface RoleSelectProps {
  name: string;
  role: Role;
  onChange: (role: Role) => void;
}

function RoleSelect({ name, role, onChange }: RoleSelectProps) {
  const { t } = useTranslation("settings");
  const options = useRoleOptions();
  return (
    <Select
      className={classes.role ?? ""}
      aria-label={t("members.role_of", { name })}
      data={options}
      value={role}
      onChange={(value) => value && value !== role && onChange(value as Role)}
    />
  );
}

interface RemoveMemberProps {
  member: Member;
  isMe: boolean;
  onRemove: () => Promise<void>;
}

function RemoveMember({ member, isMe, onRemove }: RemoveMemberProps) {
  const { t } = useTranslation(["settings", "common"]);
  const [asking, setAsking] = useState(false);
  const name = member.user.name;
  const label = isMe ? t("members.leave") : t("members.remove", { name });
  return (
    <>
      <Tooltip label={label}>
        <ActionIcon aria-label={label} onClick={() => setAsking(true)}>
          <IconUserMinus size={16} stroke={1.6} />
        </ActionIcon>
      </Tooltip>
      <Confirm
        opened={asking}
        title={isMe ? t("members.leave_title") : t("members.remove_title", { name })}
        text={isMe ? t("members.leave_text") : t("members.remove_text")}
        action={isMe ? t("members.leave") : t("action.remove", { ns: "common" })}
        onConfirm={onRemove}
        onClose={() => setAsking(false)}
      />
    </>
  );
}
