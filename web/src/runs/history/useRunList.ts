import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { api } from "@/api/client";
import { listen } from "@/api/socket";
import type { RunInfo, RunPage, WorkspaceEvent } from "@/api/types";
import { onFlowEvent } from "../store";
import { type Filter, fits, queryOf } from "./filter";

const PAGE = 50;
const CALM_MS = 400;

/** Where the runs are: in one flow, or in all flows of a workspace. */
export type Where = { flowId: string } | { workspaceId: string };

const RUN_EVENTS = new Set(["run_created", "run_state", "called_run_created"]);

/** Calls back soon after runs began, went on or ended; not for each one of many. */
function useRunNews(where: Where, tell: () => void): void {
  const workspace = "workspaceId" in where ? where.workspaceId : null;
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const news = (event: WorkspaceEvent) => {
      if (!RUN_EVENTS.has(event.type) && event.type !== "reset") return;
      timer ??= setTimeout(() => {
        timer = undefined;
        tell();
      }, CALM_MS);
    };
    let last: number | undefined;
    const stop =
      workspace === null
        ? onFlowEvent(news)
        : listen<WorkspaceEvent>({
            path: `/workspaces/${workspace}/events`,
            after: () => last,
            onEvent: (event) => {
              last = event.seq;
              news(event);
            },
          });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, [workspace, tell]);
}

/** Runs that fit the filter, newest first, page by page; follows what happens. */
export function useRunList(where: Where, filter: Filter) {
  const client = useQueryClient();
  const flowId = "flowId" in where ? where.flowId : null;
  const place = flowId ?? ("workspaceId" in where ? where.workspaceId : "");
  const query = queryOf(filter, flowId);
  const refresh = useMemo(
    () => () => void client.invalidateQueries({ queryKey: ["runs", place] }),
    [client, place],
  );
  useRunNews(where, refresh);
  const list = useInfiniteQuery({
    queryKey: ["runs", place, query],
    initialPageParam: "",
    queryFn: ({ pageParam, signal }) =>
      api.get<RunPage>("/runs", { ...query, limit: PAGE, cursor: pageParam || undefined }, signal),
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: (before) => before,
  });
  const runs = useMemo(
    () =>
      (list.data?.pages ?? [])
        .flatMap((page) => page.items)
        .filter((run) => fits(run, filter) && inPlace(run, where)),
    [list.data, filter, where],
  );
  return { ...list, runs };
}

const inPlace = (run: RunInfo, where: Where): boolean =>
  "flowId" in where || run.workspace_id === where.workspaceId;
