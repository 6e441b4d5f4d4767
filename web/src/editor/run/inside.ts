/** Nodes in containers: a part of a flow begins and ends with the whole container. */
import { chainOf } from "@/flow/nesting";
import { aroundNow } from "@/flow/scene";
import { useGraph } from "@/flow/store";

/** The outermost container in which a node lies; null of one that may be run by itself. */
export function outermostAround(node: string): string | null {
  const [first] = chainOf(node, aroundNow());
  return first === undefined || first === node ? null : first;
}

/** The same of the one node that is selected. */
export function useOutermostAround(): { node: string; container: string } | null {
  // Whatever is moved into or out of a container changes the nodes.
  useGraph((s) => s.nodes);
  const node = useGraph((s) => (s.selection.length === 1 ? (s.selection[0] ?? "") : ""));
  const container = node === "" ? null : outermostAround(node);
  return container === null ? null : { node, container };
}
