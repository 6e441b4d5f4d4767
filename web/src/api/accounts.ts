import { useQuery } from "@tanstack/react-query";
import { queryClient } from "@/app/queryClient";
import { api } from "./client";
import type {
  ApiKeys,
  InvitationLook,
  InvitationTokenBody,
  KeyBody,
  Member,
  MemberAdded,
  MemberBody,
  Members,
  NewApiKey,
  PasswordBody,
  Role,
  RoleBody,
} from "./types";

export function useMembers(workspaceId: string | undefined) {
  return useQuery({
    queryKey: ["members", workspaceId],
    enabled: workspaceId !== undefined,
    queryFn: () => api.get<Members>(`/workspaces/${workspaceId}/members`),
  });
}

export function refreshMembers(): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: ["members"] });
}

/** Adds somebody who has an account, or answers with an invitation to pass on. */
export function addMember(workspaceId: string, email: string, role: Role): Promise<MemberAdded> {
  const body: MemberBody = { email, role };
  return api.post<MemberAdded>(`/workspaces/${workspaceId}/members`, body);
}

export function changeRole(workspaceId: string, userId: string, role: Role): Promise<Member> {
  const body: RoleBody = { role };
  return api.patch<Member>(`/workspaces/${workspaceId}/members/${userId}`, body);
}

export function removeMember(workspaceId: string, userId: string): Promise<void> {
  return api.delete(`/workspaces/${workspaceId}/members/${userId}`);
}

export function revokeInvitation(workspaceId: string, invitationId: string): Promise<void> {
  return api.delete(`/workspaces/${workspaceId}/invitations/${invitationId}`);
}

/** What an invitation says, for whoever holds its link. */
export function useInvitation(token: string) {
  return useQuery({
    queryKey: ["invitation", token],
    enabled: token !== "",
    retry: false,
    queryFn: () =>
      api.post<InvitationLook>("/invitations/look", { token } satisfies InvitationTokenBody),
  });
}

export function useKeys() {
  return useQuery({
    queryKey: ["keys"],
    queryFn: () => api.get<ApiKeys>("/keys"),
  });
}

export function refreshKeys(): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: ["keys"] });
}

export function createKey(name: string): Promise<NewApiKey> {
  return api.post<NewApiKey>("/keys", { name } satisfies KeyBody);
}

export function revokeKey(keyId: string): Promise<void> {
  return api.delete(`/keys/${keyId}`);
}

export function changePassword(current: string, next: string): Promise<void> {
  return api.post("/user/password", { current, new: next } satisfies PasswordBody);
}
