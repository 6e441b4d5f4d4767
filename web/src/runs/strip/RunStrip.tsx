import { Button } from "@mantine/core";
import {
  IconArrowBackUp,
  IconArrowBarToDown,
  IconArrowBarToUp,
  IconArrowRampRight,
  IconPlayerPauseFilled,
  IconPlayerPlayFilled,
} from "@tabler/icons-react";
import { type ReactNode, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { followStops, resume, showStop, step, useChosenStop, useStop } from "@/editor/run/debug";
import { useSession } from "@/flow/store";
import { RunBadge } from "@/ui/RunBadge";
import { When } from "@/ui/When";
import { CallStack } from "../debug/CallStack";
import { useNodeLook } from "../nodes";
import { backToLive, isOver, useRun, useViewing } from "../store";
import type { Stop } from "../types";
import { CalledBy } from "./CalledBy";
import classes from "./RunStrip.module.css";
import { WaitCards } from "./WaitCards";

/** Above the canvas: why the run stands still, what it asks for, or that it is an older one. */
export function RunStrip() {
  useEffect(followStops, []);
  const old = useViewing((s) => s.old);
  const stop = useStop();
  const asked = useRun((s) => s.state === "paused" && s.pauseReason !== "waiting");
  return (
    <div className={classes.strips}>
      {old && <OldRun />}
      {stop ? <Stopped stop={stop} /> : asked && <Asked />}
      <WaitCards />
    </div>
  );
}

function OldRun() {
  const { t } = useTranslation("runs");
  const number = useRun((s) => s.number);
  const state = useRun((s) => s.state);
  const by = useRun((s) => s.startedBy?.name);
  const at = useRun((s) => s.createdAt);
  const latest = useViewing((s) => s.latest);
  if (state === "idle") return null;
  return (
    <section className={classes.strip} data-tone="plain" data-testid="viewing-old" role="status">
      <b>{t("viewing.title", { number: number ?? "" })}</b>
      <RunBadge state={state} />
      <CalledBy />
      <span className={classes.quiet}>
        {at !== null && <When time={at} />}
        {by && ` ${t("run.by", { name: by })}`}
        {isOver(state) && ` · ${t("viewing.text")}`}
      </span>
      <span className={classes.space} />
      <Button
        size="compact-sm"
        leftSection={<IconArrowBackUp size={14} stroke={1.8} />}
        data-testid="back-to-live"
        onClick={() => void backToLive()}
      >
        {latest?.number ? t("viewing.backTo", { number: latest.number }) : t("viewing.back")}
      </Button>
    </section>
  );
}

function Asked() {
  const { t } = useTranslation("runs");
  const by = useRun((s) => s.pausedBy);
  return (
    <section className={classes.strip} data-tone="wait" data-testid="run-paused" role="status">
      <IconPlayerPauseFilled size={13} className={classes.sign} aria-hidden />
      <b>{by ? t("paused.by", { name: by }) : t("paused.asked")}</b>
      <span className={classes.quiet}>{t("paused.text")}</span>
    </section>
  );
}

/** Where it stopped, why, and the ways on. */
function Stopped({ stop }: { stop: Stop }) {
  const { t } = useTranslation("runs");
  const look = useNodeLook();
  const reason = useReason(stop);
  return (
    <section
      className={classes.strip}
      data-tone="wait"
      data-testid="run-stopped"
      data-at={stop.at}
      role="status"
    >
      <IconPlayerPauseFilled size={13} className={classes.sign} aria-hidden />
      <button type="button" className={classes.title} onClick={() => showStop(stop)}>
        {t(stop.when === "after" ? "stopped.after" : "stopped.before", {
          name: look(stop.node).name,
        })}
      </button>
      <span className={classes.quiet}>{reason}</span>
      <CallStack stop={stop} />
      <span className={classes.space} />
      <Others stop={stop} />
      <Steps />
    </section>
  );
}

/** Why it stopped, with the condition and the number of the hit. */
function useReason(stop: Stop): string {
  const { t } = useTranslation("runs");
  const point = useRun((s) =>
    s.breakpoints.find(
      (each) => each.node === stop.node && (each.when ?? "before") === stop.when && !each.once,
    ),
  );
  if (stop.reason === "step") return t("stopped.step");
  if (stop.reason === "pause") return t("stopped.pause");
  const hit = stop.hit > 1 ? t("stopped.hit", { count: stop.hit }) : "";
  const where = point?.condition ? t("stopped.where", { condition: point.condition }) : "";
  return [where || (point ? t("stopped.breakpoint") : t("stopped.first")), hit]
    .filter(Boolean)
    .join(" · ");
}

/** Several activations may stand at breakpoints at once. */
function Others({ stop }: { stop: Stop }) {
  const { t } = useTranslation("runs");
  const stops = useRun((s) => s.stops);
  if (stops.length < 2) return null;
  const index = stops.findIndex((each) => each.at === stop.at);
  const next = stops[(index + 1) % stops.length];
  return (
    <Button
      size="compact-sm"
      data-testid="next-stop"
      onClick={() => {
        if (!next) return;
        useChosenStop.setState({ at: next.at });
        showStop(next);
      }}
    >
      {t("stopped.of", { index: index + 1, total: stops.length })}
    </Button>
  );
}

function Steps() {
  const { t } = useTranslation("editor");
  // A stream stands still as a whole: no record of it can be stepped to.
  const lives = useRun((s) => s.mode === "streaming");
  return (
    <div className={classes.steps} role="toolbar" aria-label={t("run.resume")}>
      <StepButton label={t("command.run.resume")} keys="F8" onClick={resume} id="resume">
        <IconPlayerPlayFilled size={13} />
      </StepButton>
      {!lives && <Further />}
    </div>
  );
}

function Further() {
  const { t } = useTranslation("editor");
  return (
    <>
      <StepButton label={t("command.run.over")} keys="F10" onClick={() => step("over")} id="over">
        <IconArrowRampRight size={16} stroke={1.7} />
      </StepButton>
      <StepButton label={t("command.run.into")} keys="F11" onClick={() => step("into")} id="into">
        <IconArrowBarToDown size={16} stroke={1.7} />
      </StepButton>
      <StepButton
        label={t("command.run.out")}
        keys="Shift+F11"
        onClick={() => step("out")}
        id="out"
      >
        <IconArrowBarToUp size={16} stroke={1.7} />
      </StepButton>
    </>
  );
}

interface StepProps {
  label: string;
  keys: string;
  id: string;
  onClick: () => Promise<void>;
  children: ReactNode;
}

function StepButton({ label, keys, id, onClick, children }: StepProps) {
  const viewer = useSession((s) => s.role === "viewer");
  return (
    <button
      type="button"
      className={classes.step}
      aria-label={label}
      aria-keyshortcuts={keys}
      title={`${label} (${keys})`}
      disabled={viewer}
      data-testid={`step-${id}`}
      onClick={() => void onClick()}
    >
      {children}
    </button>
  );
}
