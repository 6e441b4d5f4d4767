import { useFlow } from "@/api/flows";
import { useSessionState } from "@/api/session";
import { useSession } from "@/flow/store";

export interface FlowFiles {
  workspaceId: string;
  canWrite: boolean;
}

/** The files that the open flow reads; null for those who are not in its workspace. */
export function useFlowFiles(): FlowFiles | null {
  const flowId = useSession((state) => state.flowId);
  const flow = useFlow(flowId, flowId !== "");
  const account = useSessionState();
  if (account.data?.kind !== "in" || !flow.data) return null;
  const { workspace_id } = flow.data;
  const mine = account.data.session.workspaces.find(({ id }) => id === workspace_id);
  return mine ? { workspaceId: mine.id, canWrite: mine.role !== "viewer" } : null;
}
