/** Which activation of a node is looked at; of others the newest. */
import { create } from "zustand";
import { pathOfNode } from "@/flow/breakpoints";
import { useGraph } from "@/flow/store";
import { activations, useActivations } from "./activations";
import { ownNode } from "./nodes";
import { useRun } from "./store";
import type { Stop } from "./types";

interface Shown {
  /** The node's path. */
  node: string | null;
  scope: string;
}

export const useShown = create<Shown>(() => ({ node: null, scope: "" }));

// The activations of another run have nothing to do with it.
useRun.subscribe((now, before) => {
  if (now.runId !== before.runId) useShown.setState({ node: null, scope: "" });
});

// Whoever picks another node, or goes on from where the run stood, looks at something else.
useGraph.subscribe(({ selection }, before) => {
  const { node } = useShown.getState();
  if (node === null || selection === before.selection) return;
  const ids = node.split("/");
  if (!selection.some((id) => ids.includes(id))) useShown.setState({ node: null, scope: "" });
});
useRun.subscribe(({ stops }, before) => {
  const { node } = useShown.getState();
  if (node === null || stops === before.stops || stops.length > 0) return;
  if (ownNode(useGraph.getState().nodes, node) === null) {
    useShown.setState({ node: null, scope: "" });
  }
});

const isOf = (stop: Stop, { node, scope }: Shown): boolean =>
  stop.node === node && stop.scope === scope;

export interface ShownActivation {
  /** The node's path in the run. */
  path: string;
  /** The activation that is shown; null leaves it to the server: the newest. */
  scope: string | null;
}

/** The activation of a node, told by its id or its path, that is to be shown. */
export function useShownOf(nodeId: string): ShownActivation {
  const shown = useShown();
  useActivations((s) => s.version);
  const path = nodeId.includes("/") ? nodeId : pathOfNode(nodeId);
  const stands = useRun(({ stops }) => stops.some((stop) => isOf(stop, shown)));
  // A node of a called flow is shown by the node that calls it.
  const within = shown.node !== null && (shown.node === path || shown.node.startsWith(`${path}/`));
  // Where a run stood before an activation that never came there is nothing to be shown.
  const there = stands || activations.get(shown.node ?? "", shown.scope) !== undefined;
  if (within && shown.node && there) return { path: shown.node, scope: shown.scope };
  const newest = activations.of(path).at(-1);
  return { path, scope: newest?.scope ? newest.scope : null };
}
