import { ActionIcon, Button, Tooltip } from "@mantine/core";
import { IconPlayerPlayFilled, IconPlayerStopFilled } from "@tabler/icons-react";
import { useState } from "react";
import { Trans, useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { FlowInfo } from "@/api/types";
import { When } from "@/ui/When";
import type { FlowActions } from "./actions";
import { FlowMenu } from "./FlowMenu";
import { FlowName } from "./FlowName";
import { FlowPicture } from "./FlowPicture";
import classes from "./Flows.module.css";
import { LastRun } from "./LastRun";
import { isLive, type LastRun as LastRunData } from "./live";

export interface FlowItemProps {
  flow: FlowInfo;
  run: LastRunData | null;
  actions: FlowActions;
  onDelete: (flow: FlowInfo) => void;
}

/** Renaming in place, shared by card and row. */
export function useRename(flow: FlowInfo, actions: FlowActions) {
  const [editing, setEditing] = useState(false);
  const done = (name: string | null) => {
    setEditing(false);
    if (name) void actions.rename(flow, name);
  };
  return { editing, start: () => setEditing(true), done };
}

/** A flow as a card: its picture, purpose, last run, and Run. */
export function FlowCard({ flow, run, actions, onDelete }: FlowItemProps) {
  const { t } = useTranslation("home");
  const rename = useRename(flow, actions);
  return (
    <article className={classes.card} data-testid="flow-card" data-flow-id={flow.id}>
      <Link href={`/flows/${flow.id}`} className={classes.picture ?? ""} tabIndex={-1} aria-hidden>
        <FlowPicture preview={flow.preview} width={288} height={132} />
      </Link>
      <div className={classes.body}>
        <div className={classes.head}>
          <FlowName flow={flow} editing={rename.editing} onDone={rename.done} />
          <FlowMenu
            flow={flow}
            actions={actions}
            onRename={rename.start}
            onDelete={() => onDelete(flow)}
          />
        </div>
        <p className={classes.purpose}>
          {flow.description || <span className={classes.muted}>{t("flow.no_purpose")}</span>}
        </p>
        <div className={classes.foot}>
          <span className={classes.facts}>
            <LastRun run={run} />
            <span className={classes.muted}>
              {flow.role === "viewer" ? t("flow.view_only") : <Updated time={flow.updated_at} />}
            </span>
          </span>
          <RunButton flow={flow} run={run} actions={actions} />
        </div>
      </div>
    </article>
  );
}

export function Updated({ time }: { time: string }) {
  return <Trans ns="home" i18nKey="flow.updated" components={{ when: <When time={time} /> }} />;
}

export function RunButton({ flow, run, actions }: Omit<FlowItemProps, "onDelete">) {
  const { t } = useTranslation(["home", "common"]);
  const [starting, setStarting] = useState(false);
  if (flow.role === "viewer") return null;
  if (run && isLive(run)) {
    return (
      <Tooltip label={t("run.stop")}>
        <ActionIcon
          variant="default"
          color="red"
          aria-label={t("run.stop")}
          onClick={() => void actions.stop(run.id)}
        >
          <IconPlayerStopFilled size={13} />
        </ActionIcon>
      </Tooltip>
    );
  }
  async function start(): Promise<void> {
    setStarting(true);
    await actions.run(flow);
    setStarting(false);
  }
  return (
    <Button
      size="compact-sm"
      className={classes.run ?? ""}
      leftSection={<IconPlayerPlayFilled size={11} />}
      loading={starting}
      onClick={() => void start()}
      data-testid="card-run"
    >
      {t("action.run", { ns: "common" })}
    </Button>
  );
}
