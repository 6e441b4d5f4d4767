import { useEffect } from "react";
import { current } from "@/flow/session";
import { useGraph } from "@/flow/store";

/** Tells the others which node's panel is open here. */
export function useOpenPanel(): void {
  const node = useGraph((s) => (s.selection.length === 1 ? (s.selection[0] ?? null) : null));
  const isNode = useGraph((s) => node !== null && s.nodes[node] !== undefined);
  const ready = useGraph((s) => s.ready);
  useEffect(() => {
    if (ready) current()?.presence?.setPanel(isNode ? node : null);
  }, [node, isNode, ready]);
}
