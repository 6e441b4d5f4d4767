/** What another attempt would take over, and what it would do again. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { api } from "@/api/client";
import type { AgainPlan } from "@/api/types";
import { useGraph, useSession } from "@/flow/store";
import type { FlowChoice } from "../control";

/** Another number whenever the flow is another one, on the canvas and with the server. */
function useEdition(): string {
  const nodes = useGraph((s) => s.nodes);
  const edges = useGraph((s) => s.edges);
  const saved = useSession((s) => s.saved);
  const count = useRef({ nodes, edges, number: 0 });
  if (count.current.nodes !== nodes || count.current.edges !== edges) {
    count.current = { nodes, edges, number: count.current.number + 1 };
  }
  return `${count.current.number} ${saved}`;
}

/** Asked anew each time, as the flow may have changed meanwhile. */
export function useRetryPlan(runId: string | null, flow: FlowChoice) {
  const edition = useEdition();
  return useQuery({
    queryKey: ["retry-plan", runId, flow, flow === "current" && edition],
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => api.get<AgainPlan>(`/runs/${runId}/retry`, { flow }, signal),
    enabled: runId !== null,
    gcTime: 0,
    staleTime: 0,
    retry: false,
  });
}

/** What a fork from a node would do. */
export function useForkPlan(runId: string | null, node: string, flow: FlowChoice) {
  const edition = useEdition();
  return useQuery({
    queryKey: ["fork-plan", runId, node, flow, edition],
    queryFn: () => api.post<AgainPlan>(`/runs/${runId}/fork/plan`, { from_node: node, flow }),
    enabled: runId !== null,
    gcTime: 0,
    staleTime: 0,
    retry: false,
  });
}
