import { Button } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Failure } from "@/api/types";
import { showFailure } from "@/editor/goTo";
import { useTicking } from "../clock";
import classes from "../Dock.module.css";
import { FailureBox } from "../FailureBox";
import { ownNodeNow, useNodeLook } from "../nodes";
import { isActive, useRun } from "../store";
import { Gantt } from "./Gantt";
import { TimesTable } from "./TimesTable";
import { useRows } from "./useRows";

export type TimelineView = "chart" | "table";
const NONE: ReadonlySet<string> = new Set();

/** When each node of the run was at work, and in loops each of its rounds. */
export function Timeline() {
  const { t } = useTranslation("runs");
  const state = useRun((run) => run.state);
  const runId = useRun((run) => run.runId);
  const startedAt = useRun((run) => run.startedAt);
  const endedAt = useRun((run) => run.endedAt);
  const failure = useRun((run) => run.failure);
  const [view, setView] = useState<TimelineView>("chart");
  const [opened, setOpened] = useState(NONE);
  const rows = useRows(opened);
  const now = useTicking(isActive(state));
  if (state === "idle") return <div className={classes.empty}>{t("dock.nothing")}</div>;
  const start = startedAt ?? now;
  const latest = rows.reduce((most, row) => Math.max(most, row.to ?? 0), endedAt ?? now);
  const shared = { rows, start, end: Math.max(latest, start + 1), view, onView: setView };
  return (
    <div className={classes.times}>
      {failure && (
        <FailureBox failure={failure}>
          {failure.node && <ShowNode id={failure.node} failure={failure} />}
        </FailureBox>
      )}
      {view === "chart" ? (
        <Gantt key={runId} {...shared} opened={opened} onOpened={setOpened} />
      ) : (
        <TimesTable {...shared} />
      )}
    </div>
  );
}

function ShowNode({ id, failure }: { id: string; failure: Failure }) {
  const { t } = useTranslation("runs");
  const look = useNodeLook();
  return (
    <Button size="compact-xs" mt={6} onClick={() => showFailure(ownNodeNow(id) ?? id, failure)}>
      {t("failure.show", { name: look(id).name })}
    </Button>
  );
}
