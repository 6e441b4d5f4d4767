/** Pinning what a node put out: from then on it stands for the node, which does not run. */
import { api } from "@/api/client";
import type { RunNodeDetail } from "@/api/types";
import { pathOfNode } from "@/flow/breakpoints";
import { setField } from "@/flow/commands";
import { notices } from "@/flow/session";
import { useGraph } from "@/flow/store";
import type { Json, JsonMap } from "@/flow/types";
import { useRun } from "@/runs/store";

const MOST = 400;

/** What each port put out; `null` when there is more of it than a flow should carry. */
function pinnable({ outputs }: RunNodeDetail): JsonMap | null {
  const found: JsonMap = {};
  for (const [port, data] of Object.entries(outputs)) {
    if ((data.records?.length ?? 0) >= MOST) return null;
    found[port] = (data.records ?? data.value ?? null) as Json;
  }
  return found;
}

export const isPinned = (node: string): boolean => useGraph.getState().nodes[node]?.pinned != null;

/** Pins the output of the run that is shown, or lets the node run again. */
export async function togglePin(node: string): Promise<void> {
  if (isPinned(node)) {
    setField(node, "pinned", undefined);
    return;
  }
  const { runId } = useRun.getState();
  const path = encodeURIComponent(pathOfNode(node));
  try {
    if (!runId) throw new Error("no run");
    const query = { side: "output", limit: MOST };
    const detail = await api.get<RunNodeDetail>(`/runs/${runId}/nodes/${path}`, query);
    const found = pinnable(detail);
    if (found === null) {
      notices.emit({ key: "pinTooMuch", kind: "warning", params: { most: MOST } });
    } else if (Object.keys(found).length === 0) {
      notices.emit({ key: "pinNothing", kind: "warning" });
    } else setField(node, "pinned", found);
  } catch {
    notices.emit({ key: "pinNothing", kind: "warning" });
  }
}
