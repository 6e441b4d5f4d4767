import { create } from "zustand";
import { api } from "@/api/client";
import { listen } from "@/api/socket";
import type {
  RunBreakpoint,
  RunEvent,
  RunInfo,
  RunPage,
  StartRun,
  WorkspaceEvent,
} from "@/api/types";
import { uncover, useCover } from "@/flow/asItWas";
import { useSession } from "@/flow/store";
import { activations, touchActivations } from "./activations";
import { frameBatch } from "./batch";
import { IDLE_NODE, isActive, isOver, NO_RUN, reduceEvents, snapshotOf, timeOf } from "./reduce";
import type { NodeRun, RunSnapshot, StartOptions, Stop } from "./types";

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

const stopped = new Set<(stop: Stop) => void>();

/** Calls back when an activation of the attached run stands at a breakpoint, or after a step. */
export function onStops(callback: (stop: Stop) => void): () => void {
  stopped.add(callback);
  return () => stopped.delete(callback);
}

const incoming = frameBatch<RunEvent>((batch) => {
  const before = useRun.getState();
  const after = reduceEvents(before, batch);
  if (after === before) return;
  logActivations(before.seq, batch);
  useRun.setState(after, true);
  const known = new Set(before.stops.map((stop) => stop.at));
  const fresh = after.stops.find((stop) => !known.has(stop.at));
  if (fresh) for (const callback of stopped) callback(fresh);
  if (!isOver(before.state) && isOver(after.state)) announceEnd(after);
});

function logActivations(seq: number, batch: readonly RunEvent[]): void {
  let last = seq;
  let changed = false;
  for (const event of batch) {
    if (event.seq <= last) continue;
    last = event.seq;
    changed = activations.apply(event, timeOf(event.at)) || changed;
  }
  if (changed) touchActivations();
}

function forgetActivations(): void {
  activations.clear();
  touchActivations();
}

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

/** The newest run of the flow, and whether it is what the page looks at. */
interface Viewing {
  /** An older run was picked; runs that begin meanwhile do not take its place. */
  old: boolean;
  latest: { id: string; number: number | null } | null;
}

export const useViewing = create<Viewing>(() => ({ old: false, latest: null }));

// What one sees is what happened then; edits would be of the flow as it is now.
function look(): void {
  const looking = useViewing.getState().old || useCover.getState().covered;
  if (useSession.getState().looking !== looking) useSession.setState({ looking });
}
useViewing.subscribe(look);
useCover.subscribe(look);
useSession.subscribe(({ flowId }) => {
  if (flowId !== "") look(); // a document that is opened again knows nothing of it
});

// The flow as it was belongs to one run.
useRun.subscribe((now, before) => {
  if (now.runId !== before.runId) uncover();
});

/** Shows a run: its state now, then every event from its beginning on. */
export async function attachRun(runId: string): Promise<void> {
  wanted = runId;
  const info = await api.get<RunInfo>(`/runs/${runId}`);
  if (wanted !== runId) return;
  const { latest } = useViewing.getState();
  // A run that another one called is none of the flow's own runs, and counted apart.
  const own = !info.parent;
  const newest =
    own && (latest === null || latest.id === runId || info.number > (latest.number ?? 0));
  useViewing.setState(
    newest ? { old: false, latest: { id: runId, number: info.number } } : { old: true },
  );
  show(info);
}

/** From an older run back to the newest. */
export async function backToLive(): Promise<void> {
  const { latest } = useViewing.getState();
  useViewing.setState({ old: false });
  if (latest) await attachRun(latest.id);
}

/** Shows a run that this page has just begun. */
export function showNew(info: RunInfo): void {
  useViewing.setState({ old: false, latest: { id: info.id, number: info.number } });
  show(info);
  if (isOver(info.state)) announceEnd(useRun.getState());
}

function show(info: RunInfo): void {
  wanted = info.id;
  if (useRun.getState().runId === info.id) return;
  incoming.clear();
  forgetActivations();
  useRun.setState(snapshotOf(info), true);
  follow(info.id);
}

/** Forgets the run that is shown. */
export function detachRun(): void {
  wanted = null;
  closeStream?.();
  closeStream = null;
  incoming.clear();
  forgetActivations();
  useRun.setState(NO_RUN, true);
  useViewing.setState({ old: false, latest: null });
}

/** A breakpoint with everything that the server wants to be told. */
export const whole = (point: RunBreakpoint): Required<RunBreakpoint> => ({
  when: "before",
  hits: 1,
  once: false,
  enabled: true,
  condition: null,
  sample: null,
  ...point,
});

/** Starts a run and shows it; throws ApiError `flow.invalid` with the problems. */
export async function startRun(flowId: string, options: StartOptions = {}): Promise<RunInfo> {
  const asked: StartRun = {
    ...(options.inputs && { inputs: options.inputs }),
    ...(options.fromNode && { from_node: options.fromNode }),
    ...(options.toNode && { to_node: options.toNode }),
    ...(options.env && { env: options.env }),
    ...(options.parallelism && { parallelism: options.parallelism }),
    ...(options.onlyChanged && { only_changed: true }),
    ...(options.breakpoints && { breakpoints: options.breakpoints.map(whole) }),
  };
  const info = await api.post<RunInfo>(`/flows/${flowId}/runs`, asked);
  showNew(info);
  return info;
}

/** Asks the server to stop the run that is shown; with a called run, the outermost around it. */
export async function cancelRun(): Promise<void> {
  const { runId, state, calledBy } = useRun.getState();
  if (!runId || !isActive(state)) return;
  await api.post(`/runs/${calledBy ? outermost(runId) : runId}/cancel`);
}

/** The run that no other one called: its id, and a part behind a dot, is that of a called run. */
const outermost = (runId: string): string => runId.split(".", 1)[0] ?? runId;

async function attachLatest(flowId: string): Promise<void> {
  const runs = await api.get<RunPage>("/runs", { flow: flowId, limit: 1 });
  const latest = runs.items[0];
  const asked = new URLSearchParams(window.location.search).get("run");
  if ((!latest && !asked) || useRun.getState().flowId === flowId) return;
  if (latest) useViewing.setState({ latest: { id: latest.id, number: latest.number } });
  const wanted = asked ?? latest?.id ?? "";
  await attachRun(wanted).catch(() => (latest ? attachRun(latest.id) : undefined));
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

/** Somebody, or something, began a run: it is shown, unless the person looks at an older one. */
function began(id: string, number: number | null): void {
  if (useViewing.getState().old || useCover.getState().covered) {
    useViewing.setState({ latest: { id, number } });
  } else if (id !== useRun.getState().runId) {
    void attachRun(id).catch(() => undefined);
  }
}

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
      if (event.type === "run_created" && event.run) began(event.run, event.number ?? null);
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
