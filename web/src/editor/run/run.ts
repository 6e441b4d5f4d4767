/** Starting and stopping runs from the editor. */

import i18next from "i18next";
import { create } from "zustand";
import { ApiError } from "@/api/errors";
import type { RunBreakpoint } from "@/api/types";
import { setProblems, useProblems } from "@/canvas/problems";
import { uncover } from "@/flow/asItWas";
import { runBreakpoints } from "@/flow/breakpoints";
import { notices } from "@/flow/session";
import { useGraph, useSession } from "@/flow/store";
import { type FlowChoice, forkRun, retryRun } from "@/runs/control";
import { cancelRun, isActive, type StartOptions, startRun, useRun } from "@/runs/store";
import { nameNow } from "../names";
import { useEditorUi } from "../ui";
import { outermostAround } from "./inside";
import { useRunOptions } from "./options";

/** How a run is wanted; breakpoints of this person are part of it unless they are left out. */
export interface Wanted extends Omit<StartOptions, "breakpoints"> {
  ignoreBreakpoints?: boolean;
}

interface Starting {
  starting: boolean;
  /** Options of a run that waits for the values of the flow's inputs. */
  asking: Wanted | null;
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

/** The nodes with which the flow begins: nothing leads to them, and they lie in no container. */
function firstNodes({ fromNode, toNode }: Wanted): string[] {
  if (fromNode) return [fromNode];
  const { nodes, edges } = useGraph.getState();
  const led = new Set(edges.map((edge) => edge.target));
  const first = Object.values(nodes).filter((node) => !led.has(node.id) && !node.disabled);
  const before = toNode ? new Set(upTo(toNode)) : null;
  return first.filter(({ id, parent }) => !parent && before?.has(id) !== false).map((n) => n.id);
}

function upTo(node: string): string[] {
  const { edges } = useGraph.getState();
  const found = new Set([node]);
  for (const id of found) for (const e of edges) if (e.target === id) found.add(e.source);
  return [...found];
}

function breakpointsOf(wanted: Wanted): RunBreakpoint[] {
  const set = wanted.ignoreBreakpoints ? [] : runBreakpoints();
  if (!wanted.stopAtOnce) return set;
  const first = firstNodes(wanted).map((node) => ({ node, when: "before" as const, once: true }));
  return [...set, ...first];
}

/** Says of a part that begins or ends in a container that only the whole container runs. */
function liesInside(wanted: Wanted): boolean {
  for (const node of [wanted.fromNode, wanted.toNode]) {
    const container = node === undefined ? null : outermostAround(node);
    if (node === undefined || container === null) continue;
    const name = nameNow(container, i18next.language);
    notices.emit({
      key: "run.inside",
      kind: "info",
      params: { name: nameNow(node, i18next.language), container: name },
      action: { key: "runFrom", params: { name }, run: () => void run({ fromNode: container }) },
    });
    return true;
  }
  return false;
}

/** Runs the flow, or a part of it; asks for the values of its inputs first. */
export async function run(wanted: Wanted = {}): Promise<void> {
  uncover();
  const reason = hindrance();
  if (reason) {
    if (reason === "errors") showErrors();
    else notices.emit({ key: `run.${reason}`, kind: "warning" });
    return;
  }
  if (useStarting.getState().starting || isActive(useRun.getState().state)) return;
  if (liesInside(wanted)) return;
  const { inputs } = useGraph.getState().meta;
  if (Object.keys(inputs).length > 0 && !wanted.inputs) {
    useStarting.setState({ asking: wanted });
    return;
  }
  await begin(async () => {
    const { env, parallelism } = useRunOptions.getState();
    const breakpoints = breakpointsOf(wanted);
    await startRun(useSession.getState().flowId, {
      ...(env !== null && { env }),
      ...(parallelism !== null && { parallelism }),
      ...wanted,
      ...(breakpoints.length > 0 && { breakpoints }),
    });
  });
}

async function begin(work: () => Promise<void>): Promise<void> {
  useStarting.setState({ starting: true, asking: null });
  try {
    await allSaved();
    await work();
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
  await cancelRun().catch(explain);
}

/** Runs again what failed in the run that is shown. */
export async function retry(flow: FlowChoice): Promise<void> {
  const { runId } = useRun.getState();
  if (runId) await begin(() => retryRun(runId, flow));
}

/** Runs the run that is shown again from a node on, with other inputs. */
export async function fork(
  fromNode: string,
  inputs: StartOptions["inputs"] = {},
  flow: FlowChoice = "as_it_was",
): Promise<void> {
  const { runId } = useRun.getState();
  if (!runId) return;
  await begin(async () => {
    await forkRun(runId, { fromNode, inputs, breakpoints: runBreakpoints(), flow });
  });
}
