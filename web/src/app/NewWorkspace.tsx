import { Button, Modal, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useTranslation } from "react-i18next";
import { createWorkspace } from "@/api/session";
import { inOneLine } from "@/ui/errorText";
import { useErrorText } from "@/ui/useErrorText";
import classes from "./WorkspaceSwitch.module.css";

interface NewWorkspaceProps {
  opened: boolean;
  onClose: () => void;
}

/** Asks for the name of a new workspace, makes it and goes there. */
export function NewWorkspace({ opened, onClose }: NewWorkspaceProps) {
  const { t } = useTranslation();
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={t("workspace.new")}
      size={420}
      closeButtonProps={{ "aria-label": t("action.close") }}
    >
      <Form onClose={onClose} />
    </Modal>
  );
}

function Form({ onClose }: Omit<NewWorkspaceProps, "opened">) {
  const { t } = useTranslation();
  const describe = useErrorText();
  const [name, setName] = useState("");
  const create = useMutation({ mutationFn: createWorkspace, onSuccess: onClose });
  const wanted = name.trim();
  function submit(event: FormEvent): void {
    event.preventDefault();
    if (wanted && !create.isPending) create.mutate(wanted);
  }
  return (
    <form onSubmit={submit}>
      <p className={classes.lead}>{t("workspace.new_lead")}</p>
      <TextInput
        label={t("workspace.name")}
        maxLength={100}
        data-autofocus
        value={name}
        error={create.error ? inOneLine(describe(create.error)) : undefined}
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <div className={classes.actions}>
        <Button onClick={onClose}>{t("action.cancel")}</Button>
        <Button type="submit" variant="filled" loading={create.isPending} disabled={!wanted}>
          {t("action.create")}
        </Button>
      </div>
    </form>
  );
}
