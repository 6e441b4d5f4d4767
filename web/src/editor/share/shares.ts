/** With whom a flow is shared beyond its workspace. */
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import type { Role } from "@/api/types";
import { notify } from "@/ui/notify";
import { useErrorText } from "@/ui/useErrorText";

export type Share = components["schemas"]["Share"];
type ShareList = components["schemas"]["ShareList"];
type ShareBody = components["schemas"]["ShareBody"];

const keyOf = (flowId: string) => ["shares", flowId];

export function useShares(flowId: string) {
  return useQuery({
    queryKey: keyOf(flowId),
    queryFn: ({ signal }) => api.get<ShareList>(`/flows/${flowId}/shares`, undefined, signal),
  });
}

/** The same people, one of them with another role, or added. */
export function withShare(shares: readonly Share[], email: string, role: Role): ShareBody[] {
  const wanted = email.trim().toLowerCase();
  const others = shares.filter(({ user }) => user.email.toLowerCase() !== wanted);
  return [...others.map(bodyOf), { email: wanted, role }];
}

export function withoutShare(shares: readonly Share[], userId: string): ShareBody[] {
  return shares.filter(({ user }) => user.id !== userId).map(bodyOf);
}

const bodyOf = ({ user, role }: Share): ShareBody => ({ email: user.email, role });

/** Shares the flow with exactly these people. */
export function useReplaceShares(flowId: string) {
  const client = useQueryClient();
  const describe = useErrorText();
  return useMutation({
    mutationFn: (items: ShareBody[]) => api.put<ShareList>(`/flows/${flowId}/shares`, { items }),
    onSuccess: (list) => client.setQueryData(keyOf(flowId), list),
    onError: (error) => notify.problem(describe(error)),
  });
}
