import { useTranslation } from "react-i18next";
import { RunBadge } from "@/ui/RunBadge";
import { When } from "@/ui/When";
import classes from "./Flows.module.css";
import type { LastRun as LastRunData } from "./live";

/** How the last run of a flow ended, and when. */
export function LastRun({ run }: { run: LastRunData | null }) {
  const { t } = useTranslation("home");
  if (!run) return <span className={classes.muted}>{t("run.never")}</span>;
  return (
    <span className={classes.last}>
      <RunBadge state={run.state} />
      {run.endedAt && (
        <span className={classes.muted}>
          <When time={run.endedAt} />
        </span>
      )}
    </span>
  );
}
