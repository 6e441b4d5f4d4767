import { useQuery } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { api } from "@/api/client";
import type { LiveInfo, LiveNodeInfo, RunCheckpoints } from "@/api/types";
import { isActive, useRun } from "../store";

const LOOK_AGAIN_MS = 1_000;
const CHECKPOINTS_AGAIN_MS = 2_000;
/** How many looks a trend shows. */
const KEPT = 16;

/** How the nodes of the live run that is shown do, looked at again and again. */
export function useLiveNodes(): LiveInfo | undefined {
  const runId = useRun((run) => run.runId);
  const active = useRun((run) => isActive(run.state));
  return useQuery({
    queryKey: ["run-live", runId],
    enabled: runId !== null && active,
    refetchInterval: active && LOOK_AGAIN_MS,
    queryFn: ({ signal }) => api.get<LiveInfo>(`/runs/${runId}/live`, {}, signal),
  }).data;
}

/** Its checkpoints, those that failed, and how often it began again. */
export function useCheckpoints(): RunCheckpoints | undefined {
  const runId = useRun((run) => run.runId);
  const state = useRun((run) => run.state);
  return useQuery<RunCheckpoints>({
    queryKey: ["run-checkpoints", runId, state],
    enabled: runId !== null,
    refetchInterval: isActive(state) && CHECKPOINTS_AGAIN_MS,
    placeholderData: (before, query) => (query?.queryKey[1] === runId ? before : undefined),
    queryFn: ({ signal }) => api.get<RunCheckpoints>(`/runs/${runId}/checkpoints`, {}, signal),
  }).data;
}

export type Trends = Readonly<Record<string, readonly number[]>>;

/** What a node gives a second; what it takes, where it has nothing to give. */
export function paceOf(node: LiveNodeInfo): number {
  const gives = Object.keys(node.count_out ?? {}).length > 0;
  return gives ? node.out_per_s : node.in_per_s;
}

/** The pace of every node, at the last looks. */
export function useTrends(info: LiveInfo | undefined): Trends {
  const runId = useRun((run) => run.runId);
  const of = useRef<string | null>(null);
  const [trends, setTrends] = useState<Trends>({});
  useEffect(() => {
    const fresh = of.current !== runId;
    of.current = runId;
    setTrends((before) => {
      const known = fresh ? {} : before;
      const entries = Object.entries(info?.nodes ?? {}).map(([name, node]) => [
        name,
        [...(known[name] ?? []), paceOf(node)].slice(-KEPT),
      ]);
      return Object.fromEntries(entries) as Trends;
    });
  }, [info, runId]);
  return trends;
}
