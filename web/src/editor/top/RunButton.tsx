import { Tooltip } from "@mantine/core";
import {
  IconPlayerPauseFilled,
  IconPlayerPlayFilled,
  IconPlayerStopFilled,
} from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useProblems } from "@/canvas/problems";
import { useGraph, useSession } from "@/flow/store";
import { isActive, useRun } from "@/runs/store";
import { pause, resume } from "../run/debug";
import { type Hindrance, hindrance, run, stop, useStarting } from "../run/run";
import { capsText } from "../shortcuts/keys";
import classes from "./RunButton.module.css";
import { RunMenu } from "./RunMenu";

/** Why a run cannot start; follows everything it depends on. */
function useHindrance(): Hindrance {
  useSession((s) => `${s.role}${s.status}`);
  useProblems((s) => s.errors);
  useGraph((s) => Object.keys(s.nodes).length === 0);
  return hindrance();
}

/** Run and its variants; Pause, Continue and Stop while a run is under way. */
export function RunButton() {
  const state = useRun((s) => s.state);
  return isActive(state) ? <UnderWay /> : <StartButton />;
}

function UnderWay() {
  const { t } = useTranslation("editor");
  const { t: ofCalled } = useTranslation("called");
  const viewer = useSession((s) => s.role === "viewer");
  const stands = useRun(
    (s) => s.stops.length > 0 || (s.state === "paused" && s.pauseReason !== "waiting"),
  );
  const going = useRun((s) => s.state === "running");
  const called = useRun((s) => s.calledBy !== null);
  return (
    <div className={classes.group}>
      {stands ? (
        <button
          type="button"
          className={classes.go}
          data-testid="resume-button"
          disabled={viewer}
          title={`${t("command.run.resume")} (F8)`}
          onClick={() => void resume()}
        >
          <IconPlayerPlayFilled size={12} />
          {t("run.resume")}
        </button>
      ) : (
        going && (
          <button
            type="button"
            className={classes.hold}
            data-testid="pause-button"
            disabled={viewer}
            title={called ? ofCalled("pauseTip") : `${t("command.run.pause")} (F6)`}
            onClick={() => void pause()}
          >
            <IconPlayerPauseFilled size={12} />
            {t("run.pause")}
          </button>
        )
      )}
      <button
        type="button"
        className={classes.stop}
        data-testid="stop-button"
        disabled={viewer}
        title={called ? ofCalled("stopTip") : `${t("command.run.stop")} (${capsText("mod+.")})`}
        onClick={() => void stop()}
      >
        <IconPlayerStopFilled size={13} />
        {called ? ofCalled("stop") : t("run.stop")}
      </button>
    </div>
  );
}

function StartButton() {
  const { t } = useTranslation("editor");
  const reason = useHindrance();
  const errors = useProblems((s) => s.errors);
  const starting = useStarting((s) => s.starting);
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
      <RunMenu disabled={off || starting} />
    </div>
  );
}
