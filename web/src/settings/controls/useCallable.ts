/** The flows that a flow may call: told by their name in its workspace, or by their id. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { api } from "@/api/client";
import { ApiError } from "@/api/errors";
import { useFlow } from "@/api/flows";
import { useSessionState } from "@/api/session";
import type { FlowInfo, FlowList } from "@/api/types";
import { useSession } from "@/flow/store";

const MOST = 30;
const LARGEST_PAGE = 200;
const MOST_PAGES = 10;
const FRESH_MS = 10_000;
const ID = /^flw_[0-9A-Z]{26}$/;

export const isFlowId = (text: string): boolean => ID.test(text);

/** Where names of flows are looked for. */
interface Place {
  workspaceId: string;
  /** The workspace is asked for by its members only; others see what is shared with them. */
  member: boolean;
}

function usePlace(): Place | null {
  const flowId = useSession((state) => state.flowId);
  const flow = useFlow(flowId, flowId !== "");
  const account = useSessionState();
  if (account.data?.kind !== "in" || !flow.data) return null;
  const workspaceId = flow.data.workspace_id;
  const member = account.data.session.workspaces.some(({ id }) => id === workspaceId);
  return { workspaceId, member };
}

async function page(
  { workspaceId, member }: Place,
  query: string,
  limit: number,
  cursor: string | undefined,
  signal: AbortSignal,
): Promise<{ items: FlowInfo[]; next: string | undefined }> {
  const workspace = member ? workspaceId : undefined;
  const list = await api.get<FlowList>("/flows", { workspace, query, limit, cursor }, signal);
  const items = list.items.filter((flow) => flow.workspace_id === workspaceId);
  return { items, next: list.next_cursor || undefined };
}

export interface Choice {
  flow: FlowInfo;
  /** What the setting is given: the name, or the id where the name says too little. */
  value: string;
  ambiguous: boolean;
}

/** Flows to choose from, the last changed first; the open one is left out. */
export function choicesOf(flows: readonly FlowInfo[], own: string): Choice[] {
  const count = new Map<string, number>();
  for (const { name } of flows) count.set(name, (count.get(name) ?? 0) + 1);
  return flows
    .filter(({ id }) => id !== own)
    .map((flow) => {
      const ambiguous = (count.get(flow.name) ?? 0) > 1;
      return { flow, value: ambiguous ? flow.id : flow.name, ambiguous };
    });
}

/** What may be called and fits what is typed. */
export function useChoices(text: string, wanted: boolean): Choice[] {
  const own = useSession((state) => state.flowId);
  const place = usePlace();
  const { data } = useQuery({
    queryKey: ["callable", place, text],
    enabled: wanted && place !== null,
    staleTime: FRESH_MS,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => page(place as Place, text, MOST, undefined, signal),
  });
  return wanted ? choicesOf(data?.items ?? [], own) : [];
}

/** The flows that a setting names, as a run finds them; none that one may not see. */
async function named(place: Place, text: string, signal: AbortSignal): Promise<FlowInfo[]> {
  if (isFlowId(text)) {
    try {
      return [await api.get<FlowInfo>(`/flows/${text}`, undefined, signal)];
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return [];
      throw error;
    }
  }
  const found: FlowInfo[] = [];
  let cursor: string | undefined;
  for (let at = 0; at < MOST_PAGES; at += 1) {
    const { items, next } = await page(place, text, LARGEST_PAGE, cursor, signal);
    found.push(...items.filter(({ name }) => name === text));
    if (next === undefined || found.length > 1) break;
    cursor = next;
  }
  return found;
}

/** The flows that a setting names; undefined as long as that is not known. */
export function useNamed(text: string): FlowInfo[] | undefined {
  const place = usePlace();
  return useQuery({
    queryKey: ["called-flow", place, text],
    enabled: text !== "" && place !== null,
    staleTime: FRESH_MS,
    queryFn: ({ signal }) => named(place as Place, text, signal),
  }).data;
}
