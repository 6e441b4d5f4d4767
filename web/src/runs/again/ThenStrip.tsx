import { Button } from "@mantine/core";
import { IconArrowBackUp, IconHistoryToggle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { uncover, useCover } from "@/flow/asItWas";
import { useRun, useViewing } from "../store";
import classes from "../strip/RunStrip.module.css";
import { showThen, useHasChanged, useLoadThen } from "../then";

/** Above the canvas: that the flow has changed since the run, and the flow as it was. */
export function ThenStrip() {
  useLoadThen();
  const { t } = useTranslation("runs");
  const old = useViewing((s) => s.old);
  const covered = useCover((s) => s.covered);
  const changed = useHasChanged();
  const number = useRun((s) => s.number) ?? "";
  if (covered) {
    return (
      <section className={classes.strip} data-tone="plain" data-testid="flow-then" role="status">
        <IconHistoryToggle size={16} stroke={1.7} aria-hidden />
        <b>{t("then.title", { number })}</b>
        <span className={classes.quiet}>{t("then.readOnly")}</span>
        <span className={classes.space} />
        <Button
          size="compact-sm"
          leftSection={<IconArrowBackUp size={14} stroke={1.8} />}
          data-testid="show-now"
          onClick={uncover}
        >
          {t("then.back")}
        </Button>
      </section>
    );
  }
  if (!old || !changed) return null;
  return (
    <section className={classes.strip} data-tone="plain" data-testid="flow-changed" role="status">
      <IconHistoryToggle size={16} stroke={1.7} aria-hidden />
      <b>{t("then.changed")}</b>
      <span className={classes.quiet}>{t("then.changedText")}</span>
      <span className={classes.space} />
      <Button size="compact-sm" data-testid="show-then" onClick={showThen}>
        {t("then.show")}
      </Button>
    </section>
  );
}
