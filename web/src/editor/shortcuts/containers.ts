/** Going into containers and out of them, and putting nodes there. */
import { chooseContainer } from "@/canvas/choosing";
import { jumpTo } from "@/canvas/view";
import { takeOut, wrap } from "@/flow/containers";
import { setFolded, useFolded } from "@/flow/folded";
import { liesIn } from "@/flow/nesting";
import { aroundNow, boxOf, frameNow } from "@/flow/scene";
import { setSelection, useGraph } from "@/flow/store";

const selection = (): string[] => useGraph.getState().selection;

/** The container that is chosen, and nothing else. */
function chosen(): string | null {
  const [id, ...more] = selection();
  return id !== undefined && more.length === 0 && frameNow(id) ? id : null;
}

/** Gives the keys to a node, as if it had been walked to. */
function focus(id: string): void {
  requestAnimationFrame(() => {
    const card = document.querySelector<HTMLElement>(`.react-flow__node[data-id="${id}"]`);
    card?.focus({ preventScroll: true });
  });
}

/** Enter on a container: the first node in it; false when it is none, or empty. */
export function goIn(): boolean {
  const id = chosen();
  const members = id ? (frameNow(id)?.members ?? []) : [];
  if (!id || members.length === 0) return false;
  setFolded([id], false);
  const at = (member: string) => boxOf(member) ?? { x: 0, y: 0 };
  const [first] = [...members].sort((a, b) => at(a).x - at(b).x || at(a).y - at(b).y);
  if (first === undefined) return false;
  jumpTo(first);
  focus(first);
  return true;
}

/** Escape on a node in a container: the container; false when it lies in none. */
export function goOut(from: EventTarget | null = document.activeElement): boolean {
  // The canvas has let go of the node by now: what has the keys tells which one it was.
  const at = from instanceof Element ? from.closest<HTMLElement>(".react-flow__node") : null;
  const ids = selection().length > 0 ? selection() : [at?.dataset.id ?? ""];
  const container = aroundNow().get(ids[0] ?? "");
  const together = ids.every((each) => aroundNow().get(each) === container);
  if (container === undefined || !together) return false;
  chooseContainer(container, false);
  focus(container);
  return true;
}

export const canWrap = (): boolean =>
  selection().some((id) => useGraph.getState().nodes[id] !== undefined);

export const wrapSelection = (type: string) => (): void => void wrap(selection(), type);

/** Whether there is something to take out: a container, or what lies in one. */
export const canTakeOut = (): boolean =>
  chosen() !== null || selection().some((id) => aroundNow().has(id));

export const takeSelectionOut = (): void => takeOut(selection());

export const canFold = (): boolean => selection().some((id) => frameNow(id) !== undefined);

/** Folds the chosen containers, or opens them when all of them are folded. */
export function foldSelection(): void {
  const ids = selection().filter((id) => frameNow(id));
  const folded = useFolded.getState().ids;
  const fold = !ids.every((id) => folded.has(id));
  setFolded(ids, fold);
  const around = aroundNow();
  setSelection(selection().filter((id) => !ids.some((each) => liesIn(id, each, around))));
}
