/** Starting and stopping runs from the editor. */
import { create } from "zustand";
import { ApiError } from "@/api/errors";
import { setProblems, useProblems } from "@/canvas/problems";
import { notices } from "@/flow/session";
import { useGraph, useSession } from "@/flow/store";
import { cancelRun, isActive, type StartOptions, startRun, useRun } from "@/runs/store";
import { useEditorUi } from "../ui";

interface Starting {
  starting: boolean;
  /** Options of a run that waits for the values of the flow's inputs. */
  asking: StartOptions | null;
}

export const useStarting = create<Starting>(() => ({ starting: false, asking: null }));

const SAVED_WITHIN_MS = 5000;

/** Why a run cannot be started now; `null` when it can. */
export type Hindrance = "viewer" | "offline" | "errors" | "empty" | null;

export function hindrance(): Hindrance {
  const session = useSession.getState();
  if (session.role === "viewer") return "viewer";
  if (session.status !== "connected") return "offline";
  if (Object.keys(useGraph.getState().nodes).length === 0) return "empty";
  return useProblems.getState().errors > 0 ? "errors" : null;
}

/** The server runs what it holds: own edits must have arrived before. */
function allSaved(): Promise<void> {
  if (useSession.getState().saved === "saved") return Promise.resolve();
  return new Promise((done) => {
    const timer = setTimeout(finish, SAVED_WITHIN_MS);
    const stop = useSession.subscribe(({ saved }) => {
      if (saved === "saved") finish();
    });
    function finish() {
      clearTimeout(timer);
      stop();
      done();
    }
  });
}

/** Runs the flow, or a part of it; asks for the values of its inputs first. */
export async function run(options: StartOptions = {}): Promise<void> {
  const reason = hindrance();
  if (reason) {
    if (reason === "errors") showErrors();
    else notices.emit({ key: `run.${reason}`, kind: "warning" });
    return;
  }
  if (useStarting.getState().starting || isActive(useRun.getState().state)) return;
  const { inputs } = useGraph.getState().meta;
  if (Object.keys(inputs).length > 0 && !options.inputs) {
    useStarting.setState({ asking: options });
    return;
  }
  useStarting.setState({ starting: true, asking: null });
  try {
    await allSaved();
    await startRun(useSession.getState().flowId, options);
  } catch (error) {
    explain(error);
  } finally {
    useStarting.setState({ starting: false });
  }
}

function showErrors(): void {
  useEditorUi.setState({ panel: "problems" });
  const count = Math.max(1, useProblems.getState().errors);
  notices.emit({ key: "run.errors", kind: "warning", params: { count } });
}

function explain(error: unknown): void {
  if (error instanceof ApiError && error.code === "flow.invalid") {
    if (error.problems.length > 0) setProblems(error.problems);
    showErrors();
    return;
  }
  const reason = error instanceof Error ? error.message : String(error);
  notices.emit({ key: "run.failed", kind: "error", params: { reason } });
}

export async function stop(): Promise<void> {
  try {
    await cancelRun();
  } catch (error) {
    explain(error);
  }
}
