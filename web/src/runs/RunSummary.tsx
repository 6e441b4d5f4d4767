import { UnstyledButton } from "@mantine/core";
import { IconHistory, IconHistoryToggle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useCover } from "@/flow/asItWas";
import { useFormats } from "@/ui/format";
import { RunBadge } from "@/ui/RunBadge";
import { RetryButton } from "./again/RetryButton";
import { useTicking } from "./clock";
import classes from "./Dock.module.css";
import { showTab } from "./dockState";
import { Origin } from "./history/Origin";
import { isActive, useRun } from "./store";
import { showThen, useHasChanged } from "./then";

/** The run that is shown in one line, a way to stop it, and those before it. */
export function RunSummary() {
  const state = useRun((run) => run.state);
  return (
    <div className={classes.summary}>
      {state !== "idle" && (
        <>
          <Facts />
          <From />
          <RunBadge state={state} />
          <Why />
          <Changed />
        </>
      )}
      {(state === "failed" || state === "cancelled") && <RetryButton />}
      <Past />
    </div>
  );
}

/** What a paused run stands still for. */
function Why() {
  const { t } = useTranslation("runs");
  const reason = useRun((run) => {
    if (run.stops.length > 0) return "stopped";
    return run.state === "paused" && run.pauseReason === "waiting" ? "waiting" : null;
  });
  return reason && <span className={classes.why}>{t(`paused.${reason}`)}</span>;
}

/** The flow is another one by now: a way to see it as it was. */
function Changed() {
  const { t } = useTranslation("runs");
  const changed = useHasChanged();
  const covered = useCover((s) => s.covered);
  if (!changed || covered) return null;
  return (
    <UnstyledButton
      className={classes.history ?? ""}
      title={t("then.hint")}
      data-testid="run-changed"
      onClick={showThen}
    >
      <IconHistoryToggle size={15} stroke={1.6} style={{ verticalAlign: "-3px" }} />{" "}
      {t("then.show")}
    </UnstyledButton>
  );
}

function Facts() {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  const number = useRun((run) => run.number);
  const person = useRun((run) => run.startedBy?.name);
  const env = useRun((run) => run.env);
  const took = useElapsed();
  const parts = [
    number === null ? "" : t("run.number", { number }),
    person ? t("run.by", { name: person }) : "",
    took === null ? "" : formats.duration(took),
    env === null || env === "local"
      ? t("env.local")
      : t(`env.${env}` as "env.ray", { defaultValue: t("env.other", { env }) }),
  ];
  return <span className={classes.facts}>{parts.filter(Boolean).join(" · ")}</span>;
}

/** The run that this one took outputs from. */
function From() {
  const from = useRun((run) => run.forkedFrom);
  const fromNode = useRun((run) => run.fromNode);
  if (from === null) return null;
  return (
    <span className={classes.facts}>
      <Origin from={from} fromNode={fromNode} />
    </span>
  );
}

/** How long the run has taken so far, or took. */
function useElapsed(): number | null {
  const { startedAt, endedAt, state } = useRun();
  const now = useTicking(isActive(state) && startedAt !== null);
  if (startedAt === null) return null;
  return Math.max(0, (endedAt ?? now) - startedAt);
}

/** Opens the list of past runs. */
function Past() {
  const { t } = useTranslation("runs");
  return (
    <UnstyledButton
      className={classes.history ?? ""}
      aria-label={t("history.label")}
      data-testid="run-history"
      onClick={() => showTab("runs")}
    >
      <IconHistory size={15} stroke={1.6} style={{ verticalAlign: "-3px" }} /> {t("history.short")}
    </UnstyledButton>
  );
}
