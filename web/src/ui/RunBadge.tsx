import { useTranslation } from "react-i18next";
import type { RunState } from "@/api/types";
import classes from "./RunBadge.module.css";

type Tone = "good" | "bad" | "live" | "wait" | "plain";

const LOOKS: Record<RunState, { tone: Tone; sign: string }> = {
  ready: { tone: "wait", sign: "○" },
  running: { tone: "live", sign: "" },
  paused: { tone: "wait", sign: "❙❙" },
  completed: { tone: "good", sign: "✓" },
  failed: { tone: "bad", sign: "✕" },
  cancelled: { tone: "plain", sign: "–" },
};

/** The state of a run, told by sign, word and colour. */
export function RunBadge({ state }: { state: RunState }) {
  const { t } = useTranslation("runs");
  const look = LOOKS[state] ?? LOOKS.ready;
  return (
    <span className={classes.badge} data-tone={look.tone} data-state={state}>
      <i aria-hidden="true">{look.sign}</i>
      {t(`state.${state}`)}
    </span>
  );
}
