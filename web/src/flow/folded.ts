/** Containers that this person looks at as cards; kept in this browser, per flow. */
import { create } from "zustand";
import { useSession } from "./store";

interface Folded {
  flow: string;
  ids: ReadonlySet<string>;
}

const PREFIX = "weft.folded.";
const NONE: ReadonlySet<string> = new Set();

export const useFolded = create<Folded>(() => ({ flow: "", ids: NONE }));

function remembered(flow: string): ReadonlySet<string> {
  try {
    const kept: unknown = JSON.parse(localStorage.getItem(PREFIX + flow) ?? "[]");
    return new Set(Array.isArray(kept) ? kept.map(String) : []);
  } catch {
    return NONE;
  }
}

useSession.subscribe(({ flowId }) => {
  if (useFolded.getState().flow === flowId) return;
  useFolded.setState({ flow: flowId, ids: flowId ? remembered(flowId) : NONE });
});

/** Shows containers as cards, or opens them again. */
export function setFolded(containers: readonly string[], folded: boolean): void {
  const { flow, ids } = useFolded.getState();
  const next = new Set(ids);
  for (const id of containers) {
    if (folded) next.add(id);
    else next.delete(id);
  }
  useFolded.setState({ ids: next });
  try {
    if (next.size === 0) localStorage.removeItem(PREFIX + flow);
    else localStorage.setItem(PREFIX + flow, JSON.stringify([...next]));
  } catch {
    // Without storage it lasts as long as the page.
  }
}
