import { useInfiniteQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api } from "@/api/client";
import type { Json, PortData, RunNodeDetail } from "@/api/types";
import { activations } from "./activations";
import { isActive, useRun } from "./store";

const PAGE = 400;
const LOOK_AGAIN_MS = 1000;

export type Side = "output" | "input";

/** A node of a run with what it was given or gave, and its logs, page by page. */
export function useNodeDetail(
  runId: string | null,
  nodeId: string | null,
  side: Side,
  scope: string | null = null,
) {
  // A node that changes its state has new data; its key changes with it.
  const state = useRun((run) => {
    if (run.runId !== runId || !nodeId) return "idle";
    const known = scope === null ? undefined : activations.get(nodeId, scope);
    return (known ?? run.nodes[nodeId])?.state ?? "idle";
  });
  // A flow that lives shows the newest records for as long as it is looked at.
  const lives = useRun((run) => run.mode === "streaming" && isActive(run.state));
  return useInfiniteQuery({
    queryKey: ["run-node", runId, nodeId, side, scope, state],
    enabled: runId !== null && nodeId !== null,
    initialPageParam: 0,
    staleTime: lives ? 0 : 60_000,
    refetchInterval: lives && LOOK_AGAIN_MS,
    queryFn: ({ pageParam, signal }) =>
      api.get<RunNodeDetail>(
        `/runs/${runId}/nodes/${nodeId}`,
        { side, offset: pageParam, limit: PAGE, scope: scope || undefined },
        signal,
      ),
    getNextPageParam: (last: RunNodeDetail, pages: RunNodeDetail[]) =>
      mayHaveMore(last) ? pages.length * PAGE : undefined,
    placeholderData: (before, query) =>
      sameNode(query?.queryKey, [runId, nodeId, side, scope]) ? before : undefined,
  });
}

/** The same data as before, only in another state of the node. */
function sameNode(key: readonly unknown[] | undefined, wanted: readonly unknown[]): boolean {
  return key !== undefined && wanted.every((part, index) => key[index + 1] === part);
}

function portsOf(detail: RunNodeDetail): PortData[] {
  return [...Object.values(detail.outputs), ...Object.values(detail.inputs)];
}

function mayHaveMore(detail: RunNodeDetail): boolean {
  return portsOf(detail).some((port) => (port.records?.length ?? 0) >= PAGE);
}

/** One port with the records of all pages that were fetched. */
export function usePort(
  pages: RunNodeDetail[] | undefined,
  side: Side,
  port: string | null,
): PortData | null {
  return useMemo(() => {
    if (!pages || port === null) return null;
    const parts = pages.flatMap((page) => {
      const data = (side === "output" ? page.outputs : page.inputs)[port];
      return data ? [data] : [];
    });
    const first = parts[0];
    if (!first || first.kind === "value") return first ?? null;
    return { ...first, records: parts.flatMap((part) => part.records ?? []) };
  }, [pages, side, port]);
}

interface PortAddress {
  runId: string;
  nodeId: string;
  scope: string | null;
  side: Side;
  port: string;
}

const LARGEST_PAGE = 1_000;

/** Everything that was kept of a port: what is shown already, or all its pages. */
export async function wholePort(address: PortAddress, shown: PortData): Promise<PortData> {
  if (shown.kind === "value" || (shown.records?.length ?? 0) >= shown.count) return shown;
  const records: Json[] = [];
  for (;;) {
    const detail = await api.get<RunNodeDetail>(`/runs/${address.runId}/nodes/${address.nodeId}`, {
      side: address.side,
      scope: address.scope || undefined,
      offset: records.length,
      limit: LARGEST_PAGE,
    });
    const side = address.side === "output" ? detail.outputs : detail.inputs;
    const page = side[address.port]?.records ?? [];
    records.push(...page);
    if (page.length < LARGEST_PAGE) return { ...shown, records };
  }
}
