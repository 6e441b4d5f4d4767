/** The commands of runs: starting them, and going on step by step. */
import { useGraph } from "@/flow/store";
import { isActive, useRun } from "@/runs/store";
import { isGoing, isPaused, isStopped, mayTell, pause, resume, step } from "../run/debug";
import { run, stop } from "../run/run";
import type { Command } from "./commands";

const one = (): string | null => {
  const { nodes, selection } = useGraph.getState();
  const chosen = selection.filter((id) => nodes[id]);
  return chosen.length === 1 ? (chosen[0] ?? null) : null;
};
const hasOne = (): boolean => one() !== null;
const none = (): boolean => !isActive(useRun.getState().state);

export const RUNNING = {
  "run.start": { group: "run", keys: ["mod+enter"], run: () => void run() },
  "run.changed": { group: "run", keys: [], when: none, run: () => void run({ onlyChanged: true }) },
  "run.from": {
    group: "run",
    keys: ["shift+enter"],
    canvas: true,
    when: hasOne,
    run: () => void run({ fromNode: one() ?? "" }),
  },
  "run.to": {
    group: "run",
    keys: ["alt+enter"],
    canvas: true,
    when: hasOne,
    run: () => void run({ toNode: one() ?? "" }),
  },
  "run.only": {
    group: "run",
    keys: ["shift+alt+enter"],
    canvas: true,
    when: hasOne,
    run: () => void run({ fromNode: one() ?? "", toNode: one() ?? "" }),
  },
  "run.debug": {
    group: "run",
    keys: ["shift+f5"],
    when: none,
    run: () => void run({ stopAtOnce: true }),
  },
  "run.without": {
    group: "run",
    keys: [],
    when: none,
    run: () => void run({ ignoreBreakpoints: true }),
  },
  // The browser keeps these keys for itself as long as there is nothing to pause or to step.
  "run.resume": { group: "run", keys: ["f8", "f5"], when: isPaused, run: () => void resume() },
  "run.pause": { group: "run", keys: ["f6"], when: isGoing, run: () => void pause() },
  "run.over": { group: "run", keys: ["f10"], when: isStopped, run: () => void step("over") },
  "run.into": { group: "run", keys: ["f11"], when: isStopped, run: () => void step("into") },
  "run.out": { group: "run", keys: ["shift+f11"], when: isStopped, run: () => void step("out") },
  "run.stop": { group: "run", keys: ["mod+."], when: mayTell, run: () => void stop() },
} satisfies Record<string, Command>;
