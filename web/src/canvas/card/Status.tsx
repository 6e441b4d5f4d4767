import { IconAlertCircle, IconAlertTriangle } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useProblemText } from "@/editor/problemText";
import type { NodeRun } from "@/runs/types";
import { inOneLine } from "@/ui/errorText";
import { formatDuration, useFormats } from "@/ui/format";
import { type CardState, produced, progress } from "../cardState";
import { useNodeProblem } from "../problems";
import classes from "./Status.module.css";

interface StatusProps {
  id: string;
  run: NodeRun;
  state: CardState;
}

/** The word at the top right of a card: what the node is doing, or did. */
export function Status({ id, run, state }: StatusProps) {
  const text = useStatusText(run, state);
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
  if (!text) return null;
  return (
    <>
      <span className={classes.status} data-state={state}>
        {text}
      </span>
      {took && (
        <span className={`${classes.status} ${classes.took}`} data-state={state}>
          {took}
        </span>
      )}
    </>
  );
}

/** How long it took, once it is over; with the short signs of units, which all readers know. */
function tookText(run: NodeRun, state: CardState): string {
  const over = state === "completed" || state === "failed";
  return over && run.durationMs !== null ? formatDuration(run.durationMs, "en") : "";
}

function useStatusText(run: NodeRun, state: CardState): string {
  const { t } = useTranslation("editor");
  const formats = useFormats();
  switch (state) {
    case "completed":
      return "✓";
    case "failed":
      return "✕";
    case "running":
      return runningText(run, formats.compact, formats.number);
    case "queued":
    case "skipped":
    case "paused":
    case "disabled":
      return t(`state.${state}`);
    default:
      return "";
  }
}

function runningText(
  run: NodeRun,
  compact: (value: number) => string,
  number: (value: number) => string,
): string {
  const share = progress(run);
  if (share !== null) return `${Math.floor(share * 100)}%`;
  const count = Math.max(produced(run), run.counts.in);
  return count === 0 ? "…" : count < 10_000 ? number(count) : compact(count);
}
