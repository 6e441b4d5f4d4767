import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { api } from "@/api/client";
import type { RunInfo, RunPage } from "@/api/types";
import { isActive } from "../store";

const PAGE = 50;
const AGAIN_MS = 1500;

/** Which of the runs that a run called: those of a node, in one of its activations. */
export interface Calls {
  node?: string;
  scope?: string | null;
}

/** The runs that a run called, in their order; looked for again while one may still begin. */
export function useCalledRuns(runId: string, calls: Calls, active: boolean) {
  const query = { node: calls.node, scope: calls.scope ?? undefined, limit: PAGE };
  const list = useInfiniteQuery({
    queryKey: ["called-runs", runId, query],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      api.get<RunPage>(
        `/runs/${runId}/children`,
        { ...query, cursor: pageParam || undefined },
        signal,
      ),
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    refetchInterval: ({ state }) => {
      const runs = state.data?.pages.flatMap((page) => page.items) ?? [];
      return active || runs.some((run) => isActive(run.state)) ? AGAIN_MS : false;
    },
  });
  return { ...list, runs: list.data?.pages.flatMap((page) => page.items) ?? [] };
}

/** What a flow is called; its id until that is known. */
export function useFlowName(id: string, known?: string): string {
  const flow = useQuery({
    queryKey: ["flow-name", id],
    queryFn: ({ signal }) => api.get<{ name: string }>(`/flows/${id}`, {}, signal),
    enabled: known === undefined,
    staleTime: 60_000,
  });
  return known ?? flow.data?.name ?? id;
}

/** Where a called run is looked at: in its own flow. */
export const placeOf = (run: RunInfo): string =>
  `/flows/${run.flow_id}?run=${encodeURIComponent(run.id)}`;
