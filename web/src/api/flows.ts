import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { queryClient } from "@/app/queryClient";
import { api, request } from "./client";
import type { CopyFlow, FlowChange, FlowFile, FlowInfo, FlowList } from "./types";

const PAGE_SIZE = 60;

/** The flows of a workspace, newest change first, page by page. */
export function useFlows(workspaceId: string | undefined, query: string) {
  return useInfiniteQuery({
    queryKey: ["flows", workspaceId, query],
    enabled: workspaceId !== undefined,
    initialPageParam: "",
    placeholderData: (before) => before,
    queryFn: ({ pageParam, signal }) =>
      api.get<FlowList>(
        "/flows",
        { workspace: workspaceId, query, limit: PAGE_SIZE, cursor: pageParam },
        signal,
      ),
    getNextPageParam: (page: FlowList) => page.next_cursor || undefined,
  });
}

/** One flow's name, role and description. */
export function useFlow(flowId: string, enabled = true) {
  return useQuery({
    queryKey: ["flow", flowId],
    enabled,
    queryFn: ({ signal }) => api.get<FlowInfo>(`/flows/${flowId}`, undefined, signal),
  });
}

export function refreshFlows(): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: ["flows"] });
}

export function createFlow(workspaceId: string, name: string): Promise<FlowInfo> {
  return api.post<FlowInfo>("/flows", { workspace_id: workspaceId, name });
}

/** Creates a flow from the text of a flow file. */
export function importFlow(workspaceId: string, text: string): Promise<FlowInfo> {
  return request<FlowInfo>("/flows", {
    method: "POST",
    query: { workspace: workspaceId },
    body: text,
    contentType: "application/yaml",
  });
}

export function importFlowFile(workspaceId: string, flow: FlowFile): Promise<FlowInfo> {
  return api.post<FlowInfo>("/flows", { workspace_id: workspaceId, flow });
}

export function renameFlow(flowId: string, name: string): Promise<FlowInfo> {
  return api.patch<FlowInfo>(`/flows/${flowId}`, { name } satisfies FlowChange);
}

export function duplicateFlow(flowId: string): Promise<FlowInfo> {
  return api.post<FlowInfo>(`/flows/${flowId}/duplicate`, {} satisfies CopyFlow);
}

export function deleteFlow(flowId: string): Promise<void> {
  return api.delete(`/flows/${flowId}`);
}

export function flowDefinition(flowId: string): Promise<FlowFile> {
  return api.get<FlowFile>(`/flows/${flowId}/definition`);
}
