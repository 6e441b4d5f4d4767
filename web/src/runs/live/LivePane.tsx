import { useTranslation } from "react-i18next";
import { isActive, useRun } from "../store";
import { Checkpoints } from "./Checkpoints";
import classes from "./Live.module.css";
import { NodesTable } from "./NodesTable";
import { Samples } from "./Samples";

/** A run that lives: how its nodes do, its checkpoints, and a look at records as they pass. */
export function LivePane() {
  const { t } = useTranslation("runs");
  const lives = useRun((run) => run.mode === "streaming" && run.runId !== null);
  const active = useRun((run) => isActive(run.state));
  if (!lives) return <p className={classes.nothing}>{t("live.nothing")}</p>;
  return (
    <div className={classes.pane} data-testid="live-pane">
      {active ? <NodesTable /> : <p className={classes.nothing}>{t("live.over")}</p>}
      <aside className={classes.side}>
        <Checkpoints />
        {active && <Samples />}
      </aside>
    </div>
  );
}
