import { useQuery } from "@tanstack/react-query";
import { api } from "@/api/client";
import type { PortData, RunNodeDetail } from "@/api/types";
import { pathOfNode } from "@/flow/breakpoints";
import type { FlowEdge } from "@/flow/types";
import { isOver, useRun } from "@/runs/store";
import { useFeeds } from "./upstream";

const LOOKED_AT = 20;
const NONE: string[] = [];

function fields(ports: readonly (PortData | undefined)[]): string[] {
  const found = new Set<string>();
  for (const port of ports) {
    const records = port?.records ?? (Array.isArray(port?.value) ? port.value : []);
    for (const record of records.slice(0, LOOKED_AT)) {
      if (typeof record !== "object" || record === null || Array.isArray(record)) continue;
      for (const name of Object.keys(record)) found.add(name);
    }
  }
  return [...found];
}

type Side = "input" | "output";

function ask(run: string, node: string, side: Side, signal: AbortSignal): Promise<RunNodeDetail> {
  const query = { side, limit: LOOKED_AT };
  return api.get<RunNodeDetail>(`/runs/${run}/nodes/${pathOfNode(node)}`, query, signal);
}

async function given(run: string, feeds: readonly FlowEdge[], signal: AbortSignal) {
  const answers = await Promise.all(
    feeds.map(async ({ source, source_port }) => {
      const detail = await ask(run, source, "output", signal);
      return detail.outputs[source_port];
    }),
  );
  return fields(answers);
}

/**
 * The fields of the records that go into a node, by the latest run: those that went in, or, where
 * it was not in the run, those that its sources put out; or the fields of what it gave.
 */
export function useColumns(nodeId: string, side: Side = "input"): string[] {
  const runId = useRun((s) => s.runId);
  const over = useRun((s) => isOver(s.state));
  const took = useRun((s) => s.nodes[pathOfNode(nodeId)] !== undefined);
  const feeds = useFeeds(nodeId);
  const query = useQuery({
    queryKey: ["columns", runId, nodeId, side, took, feeds.map((edge) => edge.id)],
    enabled: runId !== null && over && (took || (side === "input" && feeds.length > 0)),
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
    queryFn: async ({ signal }) => {
      const run = runId ?? "";
      if (side === "output")
        return fields(Object.values((await ask(run, nodeId, side, signal)).outputs));
      const now = await given(run, feeds, signal);
      if (now.length > 0 || !took) return now;
      const { inputs } = await ask(run, nodeId, side, signal);
      return fields(Object.values(inputs));
    },
  });
  return query.data ?? NONE;
}
