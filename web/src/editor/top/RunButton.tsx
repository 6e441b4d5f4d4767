import { Menu, Tooltip } from "@mantine/core";
import {
  IconChevronDown,
  IconPlayerPlayFilled,
  IconPlayerSkipForward,
  IconPlayerStopFilled,
  IconPlayerTrackNext,
} from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useProblems } from "@/canvas/problems";
import { useGraph, useSession } from "@/flow/store";
import { isActive, useRun } from "@/runs/store";
import { type Hindrance, hindrance, run, stop, useStarting } from "../run/run";
import { capsText } from "../shortcuts/keys";
import { useNodeName } from "../useNodeName";
import classes from "./RunButton.module.css";

/** Why a run cannot start; follows everything it depends on. */
function useHindrance(): Hindrance {
  useSession((s) => `${s.role}${s.status}`);
  useProblems((s) => s.errors);
  useGraph((s) => Object.keys(s.nodes).length === 0);
  return hindrance();
}

/** Run and its variants; Stop while a run is going. */
export function RunButton() {
  const state = useRun((s) => s.state);
  return isActive(state) ? <StopButton /> : <StartButton />;
}

function StopButton() {
  const { t } = useTranslation("editor");
  const viewer = useSession((s) => s.role === "viewer");
  return (
    <button
      type="button"
      className={classes.stop}
      data-testid="stop-button"
      disabled={viewer}
      title={`${t("command.run.stop")} (${capsText("mod+.")})`}
      onClick={() => void stop()}
    >
      <IconPlayerStopFilled size={13} />
      {t("run.stop")}
    </button>
  );
}

function StartButton() {
  const { t } = useTranslation("editor");
  const reason = useHindrance();
  const errors = useProblems((s) => s.errors);
  const starting = useStarting((s) => s.starting);
  const chosen = useGraph((s) => (s.selection.length === 1 ? (s.selection[0] ?? "") : ""));
  const isNode = useGraph((s) => s.nodes[chosen] !== undefined);
  const name = useNodeName();
  const why = reason ? t(`run.${reason}`, { count: errors }) : "";
  const tip = why || `${t("command.run.start")} (${capsText("mod+enter")})`;
  // It can be pressed with errors: then it shows them. Other reasons leave nothing to do.
  const off = reason !== null && reason !== "errors";
  return (
    <div className={classes.split} data-blocked={reason !== null}>
      <Tooltip label={tip}>
        <button
          type="button"
          className={classes.run}
          data-testid="run-button"
          aria-disabled={reason !== null || starting}
          aria-label={why ? `${t("run.run")}: ${why}` : t("run.run")}
          onClick={() => void run()}
        >
          <IconPlayerPlayFilled size={12} />
          {starting ? t("run.starting") : t("run.run")}
        </button>
      </Tooltip>
      <Menu position="bottom-end" width={280}>
        <Menu.Target>
          <button
            type="button"
            className={classes.more}
            disabled={off || starting}
            aria-label={t("run.more")}
            data-testid="run-menu"
          >
            <IconChevronDown size={14} stroke={2} />
          </button>
        </Menu.Target>
        <Menu.Dropdown>
          <Menu.Item leftSection={<IconPlayerPlayFilled size={14} />} onClick={() => void run()}>
            {t("command.run.start")}
          </Menu.Item>
          <Menu.Item
            leftSection={<IconPlayerTrackNext size={15} stroke={1.7} />}
            disabled={!isNode}
            onClick={() => void run({ fromNode: chosen })}
          >
            {isNode ? t("run.fromNode", { name: name(chosen) }) : t("command.run.from")}
          </Menu.Item>
          <Menu.Item
            leftSection={<IconPlayerSkipForward size={15} stroke={1.7} />}
            disabled={!isNode}
            onClick={() => void run({ toNode: chosen })}
          >
            {isNode ? t("run.toNode", { name: name(chosen) }) : t("command.run.to")}
          </Menu.Item>
          {!isNode && <Menu.Label>{t("run.selectFirst")}</Menu.Label>}
        </Menu.Dropdown>
      </Menu>
    </div>
  );
}
