import { ActionIcon, Button, TextInput, Tooltip } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { createKey, refreshKeys, revokeKey, useKeys } from "@/api/accounts";
import type { ApiKey } from "@/api/types";
import { Confirm } from "@/ui/Confirm";
import { notify } from "@/ui/notify";
import { useErrorText } from "@/ui/useErrorText";
import { When } from "@/ui/When";
import { Secret } from "./Secret";
import classes from "./Settings.module.css";

/** Keys for programs: made once, shown once, revoked any time. */
export function KeysSection() {
  const { t } = useTranslation("settings");
  return (
    <>
      <div className={classes.intro}>
        <h2>{t("keys.title")}</h2>
        <p>{t("keys.lead")}</p>
      </div>
      <NewKey />
      <KeyTable />
    </>
  );
}

function NewKey() {
  const { t } = useTranslation("settings");
  const describe = useErrorText();
  const [name, setName] = useState("");
  const create = useMutation({
    mutationFn: () => createKey(name.trim()),
    onSuccess: () => {
      setName("");
      void refreshKeys();
    },
    onError: (error) => notify.problem(describe(error)),
  });
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (name.trim()) create.mutate();
  }
  return (
    <section className={classes.card}>
      <form className={classes.inline} style={{ marginTop: 0 }} onSubmit={submit}>
        <TextInput
          className={classes.grow ?? ""}
          label={t("keys.name")}
          placeholder={t("keys.name_placeholder")}
          maxLength={100}
          value={name}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <Button type="submit" variant="filled" loading={create.isPending} disabled={!name.trim()}>
          {t("keys.create")}
        </Button>
      </form>
      {create.data && (
        <Secret
          title={`${t("keys.new_title")}: ${create.data.name}`}
          text={t("keys.new_text")}
          value={create.data.key}
          copyLabel={t("keys.copy")}
          testId="new-key"
        />
      )}
    </section>
  );
}

function KeyTable() {
  const { t } = useTranslation("settings");
  const keys = useKeys();
  const items = keys.data?.items ?? [];
  if (items.length === 0) {
    return keys.isSuccess ? <div className={classes.empty}>{t("keys.empty")}</div> : null;
  }
  return (
    <table className={classes.table}>
      <thead>
        <tr>
          <th>{t("keys.name")}</th>
          <th>{t("keys.prefix")}</th>
          <th>{t("keys.created")}</th>
          <th>{t("keys.used")}</th>
          <td />
        </tr>
      </thead>
      <tbody>
        {items.map((key) => (
          <KeyRow key={key.id} item={key} />
        ))}
      </tbody>
    </table>
  );
}

function KeyRow({ item }: { item: ApiKey }) {
  const { t } = useTranslation("settings");
  const describe = useErrorText();
  const [asking, setAsking] = useState(false);
  async function revoke(): Promise<void> {
    try {
      await revokeKey(item.id);
      await refreshKeys();
    } catch (error) {
      notify.problem(describe(error));
    }
  }
  const label = t("keys.revoke", { name: item.name });
  return (
    <tr data-testid="key-row">
      <td>{item.name}</td>
      <td>
        <code className={classes.muted}>{item.prefix}…</code>
      </td>
      <td className={classes.muted}>
        <When time={item.created_at} />
      </td>
      <td className={classes.muted}>
        {item.last_used_at ? <When time={item.last_used_at} /> : t("keys.never")}
      </td>
      <td>
        <Tooltip label={label}>
          <ActionIcon aria-label={label} onClick={() => setAsking(true)}>
            <IconTrash size={16} stroke={1.6} />
          </ActionIcon>
        </Tooltip>
        <Confirm
          opened={asking}
          title={t("keys.revoke_title", { name: item.name })}
          text={t("keys.revoke_text")}
          action={t("keys.revoke_do")}
          onConfirm={revoke}
          onClose={() => setAsking(false)}
        />
      </td>
    </tr>
  );
}
