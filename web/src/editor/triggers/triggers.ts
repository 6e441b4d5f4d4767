/** Whether a flow is armed, its triggers and their events: asked for and changed. */
import { keepPreviousData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { api } from "@/api/client";
import type { components } from "@/api/schema";
import type { WorkspaceEvent } from "@/api/types";
import { onFlowEvent } from "@/runs/store";
import { notify } from "@/ui/notify";
import { useErrorText } from "@/ui/useErrorText";

type Schemas = components["schemas"];
export type TriggerState = Schemas["TriggerState"];
export type TriggerInfo = Schemas["TriggerInfo"];
export type TriggerEvent = Schemas["TriggerEventInfo"];
export type TriggerEventData = Schemas["TriggerEventData"];
type EventPage = Schemas["TriggerEventPage"];
type NewSecret = Schemas["NewSecret"];
type SecretBody = Schemas["SecretBody"];

const PAGE = 20;
/** Edits of others and the time that passes change what is shown, and nobody tells of them. */
const LOOK_AGAIN_MS = 15_000;

const stateKey = (flowId: string) => ["triggers", flowId];
const eventsKey = (flowId: string) => ["trigger-events", flowId];

export function useTriggers(flowId: string) {
  return useQuery({
    queryKey: stateKey(flowId),
    enabled: flowId !== "",
    refetchInterval: LOOK_AGAIN_MS,
    queryFn: ({ signal }) => api.get<TriggerState>(`/flows/${flowId}/triggers`, undefined, signal),
  });
}

/** The newest events, `pages` of them. */
export function useTriggerEvents(flowId: string, pages: number) {
  return useQuery({
    queryKey: [...eventsKey(flowId), pages],
    enabled: flowId !== "",
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) =>
      api.get<EventPage>(`/flows/${flowId}/events`, { limit: Math.min(PAGE * pages, 200) }, signal),
  });
}

/** What an event carried; asked for when it is opened. */
export function useTriggerEvent(flowId: string, eventId: string | null) {
  return useQuery({
    queryKey: ["trigger-event", flowId, eventId],
    enabled: eventId !== null,
    queryFn: () => api.get<TriggerEventData>(`/flows/${flowId}/events/${eventId}`),
  });
}

/** Whether a piece of news changes what the panel shows. */
export function concerns(event: Pick<WorkspaceEvent, "type">): boolean {
  return ["trigger_event", "flow_armed", "flow_disarmed", "run_state"].includes(event.type);
}

/** Looks again whenever the server tells of something. */
export function useTriggerNews(flowId: string): void {
  const client = useQueryClient();
  useEffect(
    () =>
      onFlowEvent((event) => {
        if (!concerns(event)) return;
        void client.invalidateQueries({ queryKey: eventsKey(flowId) });
        if (event.type !== "run_state") {
          void client.invalidateQueries({ queryKey: stateKey(flowId) });
        }
      }),
    [client, flowId],
  );
}

function useChange<T, V>(flowId: string, change: (value: V) => Promise<T>) {
  const client = useQueryClient();
  const describe = useErrorText();
  return useMutation({
    mutationFn: change,
    onSettled: () => {
      void client.invalidateQueries({ queryKey: stateKey(flowId) });
      void client.invalidateQueries({ queryKey: eventsKey(flowId) });
    },
    onError: (error) => notify.problem(describe(error)),
  });
}

/** Arms the flow as it is now, or disarms it. */
export function useArm(flowId: string) {
  return useChange(flowId, (armed: boolean) =>
    api.post<TriggerState>(`/flows/${flowId}/${armed ? "arm" : "disarm"}`),
  );
}

export function useNewSecret(flowId: string, node: string) {
  return useChange(flowId, (body: SecretBody) =>
    api.post<NewSecret>(`/flows/${flowId}/triggers/${encodeURIComponent(node)}/secret`, body),
  );
}

export function useNewAddress(flowId: string, node: string) {
  return useChange(flowId, () =>
    api.post<TriggerState>(`/flows/${flowId}/triggers/${encodeURIComponent(node)}/address`),
  );
}

export function useReplay(flowId: string) {
  return useChange(flowId, (eventId: string) =>
    api.post<TriggerEventData>(`/flows/${flowId}/events/${eventId}/replay`),
  );
}
