/** Going on from where a run stopped, and following it on the canvas. */
import { create } from "zustand";
import type { RunBreakpoint, StepKind } from "@/api/types";
import { jumpTo } from "@/canvas/view";
import { onBreakpoints, runBreakpoints } from "@/flow/breakpoints";
import { notices } from "@/flow/session";
import { setSelection, useGraph, useSession } from "@/flow/store";
import { activations } from "@/runs/activations";
import { pauseRun, resumeRun, setRunBreakpoints, stepRun } from "@/runs/control";
import { useShown } from "@/runs/shown";
import { isActive, onStops, useRun } from "@/runs/store";
import type { Stop } from "@/runs/types";
import { useEditorUi } from "../ui";

/** Which of several stopped activations is looked at. */
export const useChosenStop = create<{ at: string | null }>(() => ({ at: null }));

export function chosenStop(): Stop | null {
  const { stops } = useRun.getState();
  const { at } = useChosenStop.getState();
  return stops.find((stop) => stop.at === at) ?? stops[0] ?? null;
}

/** The stopped activation that is looked at. */
export function useStop(): Stop | null {
  const at = useChosenStop((s) => s.at);
  return useRun(({ stops }) => stops.find((stop) => stop.at === at) ?? stops[0] ?? null);
}

export const mayTell = (): boolean =>
  useSession.getState().role !== "viewer" && isActive(useRun.getState().state);
export const isPaused = (): boolean => {
  const { state, pauseReason, stops } = useRun.getState();
  return mayTell() && (stops.length > 0 || (state === "paused" && pauseReason !== "waiting"));
};
export const isGoing = (): boolean => mayTell() && useRun.getState().state === "running";
export const isStopped = (): boolean => mayTell() && useRun.getState().stops.length > 0;

async function tell(work: Promise<void>): Promise<void> {
  try {
    await work;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    notices.emit({ key: "run.untold", kind: "error", params: { reason } });
  }
}

export const pause = (): Promise<void> => tell(pauseRun());
export const resume = (): Promise<void> => tell(resumeRun());
export const step = (kind: StepKind): Promise<void> => tell(stepRun(kind, chosenStop()?.at));

/** The node of the canvas that a path leads to: of a called flow's node, the node that calls. */
export function onCanvas(path: string): string | null {
  const { nodes } = useGraph.getState();
  const ids = path.split("/");
  // An id of a called flow may be one of this flow by chance: the way to it must be here, too.
  const away = ids.findIndex((id) => !nodes[id]);
  const here = away < 0 ? ids : ids.slice(0, away);
  const call = here.findIndex((id) => nodes[id]?.type === "flow.call");
  return (call < 0 ? here.at(-1) : here[call]) ?? null;
}

/** A round of a container is a scope inside it; the container itself runs in the one around. */
function ownScope(path: string, scope: string): string {
  const parts = scope.split("/");
  const ofItself = parts.at(-1)?.startsWith(`${path.split("/").at(-1)}:`);
  if (!ofItself || activations.get(path, scope)) return scope;
  return parts.slice(0, -1).join("/");
}

/** Shows an activation: its node on the canvas, its data in the inspector. */
export function showActivation(path: string, scope: string, tab?: "input" | "output"): void {
  const id = onCanvas(path);
  if (!id) return;
  useShown.setState({ node: path, scope: ownScope(path, scope) });
  jumpTo(id);
  setSelection([id]);
  // Settings say nothing of one round among many.
  const away = scope !== "" && useEditorUi.getState().inspectorTab === "settings";
  const wanted = tab ?? (away ? "output" : null);
  if (wanted) useEditorUi.setState({ inspectorOpen: true, inspectorTab: wanted });
}

export function showStop(stop: Stop): void {
  useChosenStop.setState({ at: stop.at });
  showActivation(stop.node, stop.scope, stop.when === "after" ? "output" : "input");
}

/** Whether the person has hands or eyes on something that must not be taken away. */
function busy(): boolean {
  const at = document.activeElement;
  if (at instanceof HTMLElement) {
    if (at.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(at.tagName)) return true;
  }
  if (document.querySelector("[role=dialog][aria-modal=true], [role=menu]")) return true;
  return pressed;
}

let pressed = false;

/** Shows where the run stops, as long as nobody is in the middle of something else. */
export function followStops(): () => void {
  const down = () => {
    pressed = true;
  };
  const up = () => {
    pressed = false;
  };
  window.addEventListener("pointerdown", down, true);
  window.addEventListener("pointerup", up, true);
  window.addEventListener("pointercancel", up, true);
  const stopFollowing = onStops((stop) => {
    useChosenStop.setState({ at: stop.at });
    if (!busy()) showStop(stop);
  });
  const stopTelling = onBreakpoints(tellBreakpoints());
  return () => {
    stopFollowing();
    stopTelling();
    window.removeEventListener("pointerdown", down, true);
    window.removeEventListener("pointerup", up, true);
    window.removeEventListener("pointercancel", up, true);
  };
}

/** The run's own breakpoints stay; those of this person follow what is set on the canvas. */
function tellBreakpoints(): (list: RunBreakpoint[]) => void {
  const keyOf = ({ node, when }: RunBreakpoint) => `${node} ${when ?? "before"}`;
  let mine = new Set(runBreakpoints().map(keyOf));
  return (list) => {
    const before = mine;
    mine = new Set(list.map(keyOf));
    if (!mayTell()) return;
    const others = useRun
      .getState()
      .breakpoints.filter((point) => !before.has(keyOf(point)) && !mine.has(keyOf(point)));
    useRun.setState({ breakpoints: [...others, ...list] });
    void tell(setRunBreakpoints([...others, ...list]));
  };
}
