/** What is told to the run that is shown; throws ApiError when the server refuses. */
import { api } from "@/api/client";
import type { Json, RunBreakpoint, RunInfo, StepKind } from "@/api/types";
import { isActive, showNew, useRun, whole } from "./store";
import type { Wait } from "./types";

function active(): string | null {
  const { runId, state } = useRun.getState();
  return runId && isActive(state) ? runId : null;
}

async function tell(verb: string, body?: unknown): Promise<void> {
  const id = active();
  if (id) await api.post(`/runs/${id}/${verb}`, body);
}

export const pauseRun = (): Promise<void> => tell("pause");
export const resumeRun = (): Promise<void> => tell("resume");
export const stepRun = (kind: StepKind, at?: string): Promise<void> =>
  tell("step", { kind, ...(at && { at }) });

/** Puts a value in the place of what a stopped activation holds. */
export const editValue = (at: string, port: string, value: Json): Promise<void> =>
  tell("edit", { at, port, value });

/** Where the run is to stop from now on. */
export async function setRunBreakpoints(breakpoints: readonly RunBreakpoint[]): Promise<void> {
  const id = active();
  if (id) await api.put(`/runs/${id}/breakpoints`, { breakpoints: breakpoints.map(whole) });
}

/** Answers what an activation waits for. */
export async function answer(wait: Wait, payload: Json): Promise<boolean> {
  const id = active();
  if (!id) return false;
  const name = wait.signal ?? `${wait.node}@${wait.scope}`;
  const taken = await api.post<{ accepted: boolean }>(`/runs/${id}/signals`, { name, payload });
  return taken.accepted;
}

/** Whether another attempt is of the flow as it was, or as it is by now. */
export type FlowChoice = "as_it_was" | "current";

/** Runs again what failed, with everything that was completed and is the same. */
export async function retryRun(runId: string, flow: FlowChoice): Promise<void> {
  showNew(await api.post<RunInfo>(`/runs/${runId}/retry`, { flow }));
}

export interface Fork {
  fromNode: string;
  /** Port → value, of the node from which it goes on. */
  inputs: Readonly<Record<string, Json>>;
  breakpoints?: readonly RunBreakpoint[];
  flow?: FlowChoice;
}

/** Runs an ended run again from a node on, with other inputs. */
export async function forkRun(runId: string, { fromNode, inputs, breakpoints, flow }: Fork) {
  const overrides = Object.keys(inputs).length > 0 ? { [fromNode]: inputs } : {};
  const asked = {
    from_node: fromNode,
    overrides,
    breakpoints: (breakpoints ?? []).map(whole),
    flow: flow ?? "as_it_was",
  };
  const info = await api.post<RunInfo>(`/runs/${runId}/fork`, asked);
  showNew(info);
  return info;
}
