import { create } from "zustand";
import { api } from "@/api/client";
import { listen } from "@/api/socket";
import type { RunEvent, RunInfo, RunPage, StartRun, WorkspaceEvent } from "@/api/types";
import { frameBatch } from "./batch";
import { IDLE_NODE, isActive, isOver, NO_RUN, reduceEvents, snapshotOf } from "./reduce";
import type { NodeRun, RunSnapshot, StartOptions } from "./types";

export type { LogLine, NodeCounts, NodeRun, RunSnapshot, StartOptions } from "./types";
export { isActive, isOver };

/** The run the page looks at: the latest of the open flow, or one picked from the history. */
export const useRun = create<RunSnapshot>(() => NO_RUN);

/** One node's part of the run; a component that uses it renders only when that node changes. */
export function useNodeRun(nodeId: string): NodeRun {
  return useRun((run) => run.nodes[nodeId] ?? IDLE_NODE);
}

let closeStream: (() => void) | null = null;
const runEnded = new Set<(run: RunSnapshot) => void>();

/** Calls back when the attached run ends. */
export function onRunEnded(callback: (run: RunSnapshot) => void): () => void {
  runEnded.add(callback);
  return () => runEnded.delete(callback);
}

const incoming = frameBatch<RunEvent>((batch) => {
  const before = useRun.getState();
  const after = reduceEvents(before, batch);
  if (after === before) return;
  useRun.setState(after, true);
  if (!isOver(before.state) && isOver(after.state)) announceEnd(after);
});

function announceEnd(run: RunSnapshot): void {
  for (const callback of runEnded) callback(run);
}

function follow(runId: string): void {
  closeStream?.();
  closeStream = listen<RunEvent>({
    path: `/runs/${runId}`,
    after: () => (useRun.getState().runId === runId ? useRun.getState().seq : 0),
    onEvent: (event) => {
      if (event.run === useRun.getState().runId) incoming.push(event);
    },
  });
}

/** The run that was asked for last; an answer about an earlier one comes too late. */
let wanted: string | null = null;

/** Shows a run: its state now, then every event from its beginning on. */
export async function attachRun(runId: string): Promise<void> {
  wanted = runId;
  const info = await api.get<RunInfo>(`/runs/${runId}`);
  if (wanted === runId) show(info);
}

function show(info: RunInfo): void {
  wanted = info.id;
  if (useRun.getState().runId === info.id) return;
  incoming.clear();
  useRun.setState(snapshotOf(info), true);
  follow(info.id);
}

/** Forgets the run that is shown. */
export function detachRun(): void {
  wanted = null;
  closeStream?.();
  closeStream = null;
  incoming.clear();
  useRun.setState(NO_RUN, true);
}

/** Starts a run and shows it; throws ApiError `flow.invalid` with the problems. */
export async function startRun(flowId: string, options: StartOptions = {}): Promise<RunInfo> {
  const asked: StartRun = {
    ...(options.inputs && { inputs: options.inputs }),
    ...(options.fromNode && { from_node: options.fromNode }),
    ...(options.toNode && { to_node: options.toNode }),
    ...(options.env && { env: options.env }),
  };
  const info = await api.post<RunInfo>(`/flows/${flowId}/runs`, asked);
  show(info);
  if (isOver(info.state)) announceEnd(useRun.getState());
  return info;
}

/** Asks the server to stop the run that is shown. */
export async function cancelRun(): Promise<void> {
  const { runId, state } = useRun.getState();
  if (runId && isActive(state)) await api.post(`/runs/${runId}/cancel`);
}

async function attachLatest(flowId: string): Promise<void> {
  const runs = await api.get<RunPage>("/runs", { flow: flowId, limit: 1 });
  const latest = runs.items[0];
  if (latest && useRun.getState().flowId !== flowId) await attachRun(latest.id);
}

const flowEvents = new Set<(event: WorkspaceEvent) => void>();

/** Calls back on every run event of the watched flow, for lists of past runs. */
export function onFlowEvent(callback: (event: WorkspaceEvent) => void): () => void {
  flowEvents.add(callback);
  return () => flowEvents.delete(callback);
}

interface Watch {
  key: string;
  users: number;
  stop: () => void;
}

let watch: Watch | null = null;

function startWatch(workspaceId: string, flowId: string): () => void {
  detachRun();
  let last: number | undefined;
  let watching = true;
  void attachLatest(flowId).catch(() => undefined);
  const close = listen<WorkspaceEvent>({
    path: `/workspaces/${workspaceId}/events`,
    after: () => last,
    onEvent: (event) => {
      last = Math.max(last ?? 0, event.seq ?? 0);
      if (event.flow !== flowId || !watching) return;
      for (const callback of flowEvents) callback(event);
      if (event.type !== "run_created" || !event.run) return;
      if (event.run !== useRun.getState().runId) void attachRun(event.run).catch(() => undefined);
    },
  });
  return () => {
    watching = false;
    close();
    detachRun();
  };
}

/**
 * Shows the flow's latest run and every run that anybody starts, until the answer is called.
 * Several parts of a page may ask for the same flow; they share one connection.
 */
export function watchFlow(workspaceId: string, flowId: string): () => void {
  const key = `${workspaceId}/${flowId}`;
  if (watch?.key !== key) {
    watch?.stop();
    watch = { key, users: 0, stop: startWatch(workspaceId, flowId) };
  }
  const mine = watch;
  mine.users += 1;
  return () => {
    mine.users -= 1;
    if (mine.users > 0) return;
    mine.stop();
    if (watch === mine) watch = null;
  };
}
