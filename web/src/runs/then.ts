/** The flow of the run that is shown, as it was when that run began. */
import { useEffect, useMemo } from "react";
import { create } from "zustand";
import { api } from "@/api/client";
import { cover, differs, useCover } from "@/flow/asItWas";
import { useGraph } from "@/flow/store";
import type { Flow } from "@/flow/types";
import { useRun } from "./store";

interface Then {
  runId: string | null;
  flow: Flow | null;
}

/** The flow as it was; null until it is known. */
export const useThen = create<Then>(() => ({ runId: null, flow: null }));

/** Reads the flow as it was whenever another run is shown. */
export function useLoadThen(): void {
  const runId = useRun((s) => s.runId);
  useEffect(() => {
    useThen.setState({ runId, flow: null });
    if (runId === null) return;
    const abort = new AbortController();
    const path = `/runs/${runId}/definition`;
    api.get<Flow>(path, undefined, abort.signal).then(
      // What is empty is left out of a definition.
      (flow) => useThen.setState({ runId, flow: { ...flow, edges: flow.edges ?? [] } }),
      () => undefined, // Without it, the run is shown on the flow as it is.
    );
    return () => abort.abort();
  }, [runId]);
}

/** Whether the open flow would do something else now than in the run that is shown. */
export function useHasChanged(): boolean {
  const then = useThen((s) => s.flow);
  const covered = useCover((s) => s.covered);
  const ready = useGraph((s) => s.ready);
  const nodes = useGraph((s) => s.nodes);
  const edges = useGraph((s) => s.edges);
  const meta = useGraph((s) => s.meta);
  return useMemo(
    () => covered || (ready && then !== null && differs({ nodes, edges, meta }, then)),
    [covered, ready, then, nodes, edges, meta],
  );
}

/** Puts the flow as it was on the canvas. */
export function showThen(): void {
  const { flow } = useThen.getState();
  if (flow) cover(flow);
}
