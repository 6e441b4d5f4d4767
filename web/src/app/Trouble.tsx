import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { Mark } from "@/ui/Mark";
import { useErrorText } from "@/ui/useErrorText";
import classes from "./Blank.module.css";

/** The server answered, but not with what the page needs to begin. */
export function Trouble({ error, onRetry }: { error: Error; onRetry: () => void }) {
  const { t } = useTranslation();
  const { message, hint } = useErrorText()(error);
  return (
    <main className={classes.blank} role="alert">
      <Mark size={32} />
      <h1>{message}</h1>
      {hint && <p>{hint}</p>}
      <div className={classes.actions}>
        <Button variant="filled" onClick={onRetry}>
          {t("action.retry")}
        </Button>
      </div>
    </main>
  );
}
