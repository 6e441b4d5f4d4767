import { IconAlertCircle, IconAlertTriangle, IconPinFilled } from "@tabler/icons-react";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { useProblemText } from "@/editor/problemText";
import { useGraph } from "@/flow/store";
import { useRun } from "@/runs/store";
import type { NodeRun } from "@/runs/types";
import { inOneLine } from "@/ui/errorText";
import { formatDuration, useFormats } from "@/ui/format";
import {
  attemptOf,
  type CardState,
  failedOf,
  produced,
  progress,
  roundsOf,
  type Waiting,
  waitingOf,
} from "../cardState";
import { useElements } from "../elements";
import { useNodeProblem } from "../problems";
import classes from "./Status.module.css";

interface StatusProps {
  id: string;
  run: NodeRun;
  state: CardState;
  /** Of a container: what is done of how much is said in numbers. */
  counted?: boolean;
}

/** The word at the top right of a card: what the node is doing, or did. */
export function Status({ id, run, state, counted = false }: StatusProps) {
  const { t } = useTranslation("editor");
  const formats = useFormats();
  const path = useElements((s) => s.paths.get(id) ?? id);
  const waiting = useRun((s) => waitingOf(s, path));
  const text = useStatusText(run, state, { counted, waiting });
  const took = tookText(run, state);
  const problem = useNodeProblem(id);
  const said = useProblemText();
  const quiet = state === "idle" || state === "queued" || state === "skipped";
  if (problem && (quiet || problem.severity === "error") && state !== "running") {
    const Icon = problem.severity === "error" ? IconAlertCircle : IconAlertTriangle;
    return (
      <span
        className={classes.problem}
        data-severity={problem.severity}
        title={inOneLine(said(problem))}
      >
        <Icon size={14} stroke={1.8} aria-label={said(problem).message} />
      </span>
    );
  }
  const failed = failedOf(run);
  const rounds = roundsOf(run);
  return (
    <>
      <Pinned id={id} />
      {text && (
        <span className={classes.status} data-state={state} data-testid="card-status">
          {text}
        </span>
      )}
      {rounds > 1 && (
        <span
          className={`${classes.status} ${classes.rounds}`}
          title={t("run.rounds", { count: rounds })}
          data-testid="rounds"
        >
          ×{formats.number(rounds)}
        </span>
      )}
      <Attempts run={run} state={state} rounds={rounds} />
      {failed > 0 && (
        <span className={`${classes.status} ${classes.took}`} data-state="failed">
          {t("run.someFailed", { count: failed })}
        </span>
      )}
      {took && (
        <span className={`${classes.status} ${classes.took}`} data-state={state}>
          {took}
        </span>
      )}
    </>
  );
}

/** That it took more than one attempt is worth knowing afterwards, too. */
function Attempts({ run, state, rounds }: { run: NodeRun; state: CardState; rounds: number }) {
  const { t } = useTranslation("editor");
  const attempt = attemptOf(run);
  // Of many rounds each has attempts of its own: they are told with the round.
  if (attempt < 2 || rounds > 1 || (state !== "completed" && state !== "failed")) return null;
  return (
    <span
      className={`${classes.status} ${classes.rounds}`}
      title={t("run.attemptOnly", { attempt })}
      data-testid="attempts"
    >
      ↻{attempt}
    </span>
  );
}

/** A node whose stored output stands for it. */
function Pinned({ id }: { id: string }) {
  const { t } = useTranslation("editor");
  const pinned = useGraph((s) => s.nodes[id]?.pinned != null);
  if (!pinned) return null;
  return (
    <span className={classes.pinned} title={t("run.pinned")} data-testid="pinned">
      <IconPinFilled size={12} aria-label={t("run.pinned")} />
    </span>
  );
}

/** How long it took, once it is over; with the short signs of units, which all readers know. */
function tookText(run: NodeRun, state: CardState): string {
  const over = state === "completed" || state === "failed";
  return over && run.durationMs !== null ? formatDuration(run.durationMs, "en") : "";
}

interface Shown {
  counted: boolean;
  waiting: Waiting | null;
}

function useStatusText(run: NodeRun, state: CardState, { counted, waiting }: Shown): string {
  const { t } = useTranslation("editor");
  const formats = useFormats();
  switch (state) {
    case "completed":
      return "✓";
    case "failed":
      return "✕";
    case "running":
      return (
        attemptText(run, t) ||
        (counted ? doneText(run, formats.number, t) : "") ||
        runningText(run, formats.compact, formats.number) ||
        t("state.running")
      );
    case "paused":
      return waitText(waiting, t) || t("state.paused");
    case "queued":
    case "skipped":
    case "disabled":
      return t(`state.${state}`);
    default:
      return "";
  }
}

/** From the second attempt on it is worth saying. */
function attemptText(run: NodeRun, t: TFunction<"editor">): string {
  const attempt = attemptOf(run);
  return attempt > 1 ? t("run.attemptOnly", { attempt }) : "";
}

function doneText(
  { done, total }: NodeRun,
  number: (value: number) => string,
  t: TFunction<"editor">,
): string {
  if (done === null) return "";
  if (total === null) return t("run.progressOpen", { done: number(done) });
  return t("run.progress", { done: number(done), total: number(total) });
}

function waitText(waiting: Waiting | null, t: TFunction<"editor">): string {
  if (!waiting) return "";
  if (waiting.due !== null) {
    const time = new Date(waiting.due).toLocaleTimeString([], { timeStyle: "short" });
    return t("run.waitsUntil", { time });
  }
  return waiting.signal ? t("run.waitsFor", { signal: waiting.signal }) : t("run.waits");
}

function runningText(
  run: NodeRun,
  compact: (value: number) => string,
  number: (value: number) => string,
): string {
  const share = progress(run);
  if (share !== null) return `${Math.floor(share * 100)}%`;
  const count = Math.max(produced(run), run.counts.in);
  return count === 0 ? "" : count < 10_000 ? number(count) : compact(count);
}
