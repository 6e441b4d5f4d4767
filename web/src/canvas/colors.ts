import type { NodeSpec, NodeState } from "@/api/types";
import type { FlowNode } from "@/flow/types";

const STATES: Partial<Record<NodeState, string>> = {
  failed: "--red",
  running: "--accent",
  paused: "--amber",
};

/** The CSS variable a node is coloured with where only colour is left: minimap and overview. */
export function cardColor(
  node: FlowNode,
  specs: ReadonlyMap<string, NodeSpec>,
  state: NodeState | undefined,
): string {
  const special = state && STATES[state];
  if (special) return special;
  if (node.disabled) return "--border-2";
  return `--${specs.get(node.type)?.category ?? "util"}`;
}
