/** What a node would be given, as far as the latest run knows: what its sources put out. */
import { useMemo } from "react";
import { pathOfNode } from "@/flow/breakpoints";
import { useGraph } from "@/flow/store";
import type { FlowEdge } from "@/flow/types";
import { isOver, useRun } from "@/runs/store";

/** Whether the run that is shown is over and knows nothing of the node. */
export function useLeftOut(nodeId: string): boolean {
  const path = pathOfNode(nodeId);
  return useRun((s) => s.runId !== null && isOver(s.state) && !s.nodes[nodeId] && !s.nodes[path]);
}

/** The edges into a node whose sources were in the run, as text, so that it compares by value. */
export function useFeeds(nodeId: string): FlowEdge[] {
  const edges = useGraph((s) => s.edges);
  const known = useRun((s) =>
    edges
      .filter((edge) => edge.target === nodeId && s.nodes[pathOfNode(edge.source)])
      .map((edge) => edge.id)
      .join("\n"),
  );
  return useMemo(() => {
    const ids = new Set(known.split("\n"));
    return edges.filter((edge) => ids.has(edge.id));
  }, [edges, known]);
}
