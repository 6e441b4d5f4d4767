import { Button, Modal } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./Confirm.module.css";

interface ConfirmProps {
  opened: boolean;
  title: string;
  text: string;
  /** The verb on the button that does it. */
  action: string;
  onConfirm: () => Promise<void>;
  onClose: () => void;
}

/** Asks before something that cannot be undone. */
export function Confirm({ opened, title, text, action, onConfirm, onClose }: ConfirmProps) {
  const { t } = useTranslation();
  const [busy, setBusy] = useState(false);
  async function confirm(): Promise<void> {
    setBusy(true);
    try {
      await onConfirm();
    } finally {
      setBusy(false);
      onClose();
    }
  }
  return (
    <Modal
      opened={opened}
      onClose={onClose}
      title={title}
      size={420}
      closeButtonProps={{ "aria-label": t("action.close") }}
    >
      <p className={classes.text}>{text}</p>
      <div className={classes.actions}>
        <Button onClick={onClose}>{t("action.cancel")}</Button>
        <Button variant="filled" color="red" loading={busy} onClick={() => void confirm()}>
          {action}
        </Button>
      </div>
    </Modal>
  );
}
