import { Button, Menu, UnstyledButton } from "@mantine/core";
import { IconHistory, IconPlayerStopFilled } from "@tabler/icons-react";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { RunPage } from "@/api/types";
import { useFormats } from "@/ui/format";
import { notify } from "@/ui/notify";
import { RunBadge } from "@/ui/RunBadge";
import { useErrorText } from "@/ui/useErrorText";
import { When } from "@/ui/When";
import { useTicking } from "./clock";
import classes from "./Dock.module.css";
import { attachRun, cancelRun, isActive, onFlowEvent, useRun } from "./store";

const KEPT = 25;

/** The run that is shown in one line, a way to stop it, and those before it. */
export function RunSummary({ flowId }: { flowId: string }) {
  const state = useRun((run) => run.state);
  return (
    <div className={classes.summary}>
      {state !== "idle" && (
        <>
          <Facts />
          <RunBadge state={state} />
        </>
      )}
      {isActive(state) && <Stop />}
      <History flowId={flowId} />
    </div>
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
    env === null || env === "local" ? t("env.local") : t("env.other", { env }),
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

function Stop() {
  const { t } = useTranslation(["runs", "common"]);
  const describe = useErrorText();
  const [busy, setBusy] = useState(false);
  async function stop(): Promise<void> {
    setBusy(true);
    try {
      await cancelRun();
    } catch (error) {
      notify.problem(describe(error));
    }
    setBusy(false);
  }
  return (
    <Button
      size="compact-xs"
      loading={busy}
      leftSection={<IconPlayerStopFilled size={10} />}
      onClick={() => void stop()}
      data-testid="stop-run"
    >
      {t("action.stop", { ns: "common" })}
    </Button>
  );
}

function usePastRuns(flowId: string, opened: boolean) {
  const client = useQueryClient();
  const key = ["runs", flowId];
  // biome-ignore lint/correctness/useExhaustiveDependencies: the key follows from the flow
  useEffect(
    () => onFlowEvent(() => void client.invalidateQueries({ queryKey: key })),
    [client, flowId],
  );
  return useQuery({
    queryKey: key,
    enabled: opened,
    queryFn: () => api.get<RunPage>("/runs", { flow: flowId, limit: KEPT }),
  });
}

function History({ flowId }: { flowId: string }) {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  const [opened, setOpened] = useState(false);
  const current = useRun((run) => run.runId);
  const past = usePastRuns(flowId, opened);
  const items = past.data?.items ?? [];
  return (
    <Menu position="top-end" opened={opened} onChange={setOpened}>
      <Menu.Target>
        <UnstyledButton
          className={classes.history ?? ""}
          aria-label={t("history.label")}
          data-testid="run-history"
        >
          <IconHistory size={15} stroke={1.6} style={{ verticalAlign: "-3px" }} />{" "}
          {t("history.short")}
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown mah={320} style={{ overflow: "auto" }}>
        {items.length === 0 && <Menu.Label>{t("history.empty")}</Menu.Label>}
        {items.map((run) => (
          <Menu.Item
            key={run.id}
            aria-current={run.id === current}
            onClick={() => void attachRun(run.id)}
          >
            <span className={classes.past}>
              <b>{t("run.number", { number: run.number })}</b>
              <RunBadge state={run.state} />
              <em>
                {run.duration_ms != null && `${formats.duration(run.duration_ms)} · `}
                <When time={run.created_at} />
              </em>
            </span>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
