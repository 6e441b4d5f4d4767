import { Button, UnstyledButton } from "@mantine/core";
import { IconHistory, IconRefresh } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { retry } from "@/editor/run/run";
import { useSession } from "@/flow/store";
import { useFormats } from "@/ui/format";
import { RunBadge } from "@/ui/RunBadge";
import { useTicking } from "./clock";
import classes from "./Dock.module.css";
import { showTab } from "./dockState";
import { isActive, useRun } from "./store";

/** The run that is shown in one line, a way to stop it, and those before it. */
export function RunSummary() {
  const state = useRun((run) => run.state);
  return (
    <div className={classes.summary}>
      {state !== "idle" && (
        <>
          <Facts />
          <RunBadge state={state} />
          <Why />
        </>
      )}
      {(state === "failed" || state === "cancelled") && <Retry />}
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

/** Runs again what failed; what was completed stays. */
function Retry() {
  const { t } = useTranslation("runs");
  const viewer = useSession((s) => s.role === "viewer");
  return (
    <Button
      size="compact-xs"
      disabled={viewer}
      leftSection={<IconRefresh size={12} stroke={2} />}
      title={t("retry.run")}
      onClick={() => void retry()}
      data-testid="retry-run"
    >
      {t("retry.short")}
    </Button>
  );
}
