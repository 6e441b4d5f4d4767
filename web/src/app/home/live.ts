import { useEffect, useState } from "react";
import { refreshFlows } from "@/api/flows";
import { listen } from "@/api/socket";
import type { FlowInfo, RunState, WorkspaceEvent } from "@/api/types";

export interface LastRun {
  id: string;
  state: RunState;
  endedAt: string | null;
}

type Live = Readonly<Record<string, LastRun>>;

const FINAL = new Set(["completed", "failed", "cancelled"]);

/** Whether a run is still going on. */
export function isLive(run: LastRun | null): run is LastRun {
  return run !== null && !FINAL.has(run.state);
}

/** The last run of each flow after an event of the workspace. */
export function withEvent(live: Live, event: WorkspaceEvent): Live {
  if (!event.flow || !event.run) return live;
  if (event.type !== "run_created" && event.type !== "run_state") return live;
  const state = event.state ?? "ready";
  const known = live[event.flow];
  // News about an older run does not hide that a newer one has started.
  if (known && known.id > event.run) return live;
  const endedAt = FINAL.has(state) ? (event.ended_at ?? event.at) : null;
  return { ...live, [event.flow]: { id: event.run, state, endedAt } };
}

/** What runs in the workspace at the moment, by flow. */
export function useLiveRuns(workspaceId: string | undefined): Live {
  const [live, setLive] = useState<Live>({});
  useEffect(() => {
    if (!workspaceId) return;
    let last: number | undefined;
    setLive({});
    return listen<WorkspaceEvent>({
      path: `/workspaces/${workspaceId}/events`,
      after: () => last,
      onEvent: (event) => {
        last = Math.max(last ?? 0, event.seq ?? 0);
        setLive((before) => withEvent(before, event));
        if (event.type.startsWith("flow_")) void refreshFlows();
      },
    });
  }, [workspaceId]);
  return live;
}

/** The newer one of what the list said and what the events said since. */
export function lastRunOf(flow: FlowInfo, live: Live): LastRun | null {
  const event = live[flow.id];
  const listed = flow.last_run;
  if (!listed) return event ?? null;
  const fromList = { id: listed.id, state: listed.state, endedAt: listed.ended_at ?? null };
  return event && event.id >= listed.id ? event : fromList;
}
