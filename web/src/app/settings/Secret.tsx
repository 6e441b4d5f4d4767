import { Button } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { IconAlertTriangle, IconCheck, IconCopy } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import classes from "./Settings.module.css";

interface SecretProps {
  title: string;
  text: string;
  value: string;
  /** Why it may not work everywhere. */
  warning?: string | undefined;
  copyLabel: string;
  testId: string;
}

/** Something that is shown once, to be copied now. */
export function Secret({ title, text, value, warning, copyLabel, testId }: SecretProps) {
  const { t } = useTranslation();
  const clipboard = useClipboard({ timeout: 2500 });
  return (
    <div className={classes.secret} role="status">
      <b>{title}</b>
      <p>{text}</p>
      {warning && (
        <p className={classes.caution}>
          <IconAlertTriangle size={15} stroke={1.7} aria-hidden />
          <span>{warning}</span>
        </p>
      )}
      <div className={classes.secretRow}>
        <code data-testid={testId}>{value}</code>
        <Button
          leftSection={
            clipboard.copied ? <IconCheck size={15} /> : <IconCopy size={15} stroke={1.6} />
          }
          onClick={() => clipboard.copy(value)}
        >
          {clipboard.copied ? t("action.copied") : copyLabel}
        </Button>
      </div>
    </div>
  );
}
