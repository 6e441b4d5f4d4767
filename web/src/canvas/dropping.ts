/** Dragging nodes into containers and out of them. */
import { relocate } from "@/flow/containers";
import { frameAt } from "@/flow/frames";
import { contentsOf, outermost } from "@/flow/nesting";
import { aroundNow, framesNow } from "@/flow/scene";
import { useGraph } from "@/flow/store";
import type { Point } from "@/flow/types";
import { CARD_WIDTH, HEAD_HEIGHT } from "./geometry";
import { useCanvas } from "./state";

/** The nodes of a drag that move by themselves. */
const own = (places: Readonly<Record<string, Point>>): string[] =>
  outermost(
    Object.keys(places).filter((id) => useGraph.getState().nodes[id]),
    aroundNow(),
  );

/** The container over which nodes are being dragged; `undefined` when none of them is a node. */
function under(places: Readonly<Record<string, Point>>): string | null | undefined {
  const ids = own(places);
  const first = places[ids[0] ?? ""];
  if (!first) return undefined;
  const middle = { x: first.x + CARD_WIDTH / 2, y: first.y + HEAD_HEIGHT / 2 };
  const at = useCanvas.getState().pointer ?? middle;
  const moved = new Set([...ids, ...contentsOf(ids, aroundNow())]);
  return frameAt(framesNow(), at, moved);
}

/** Shows where what is dragged would go, when that is not where it lies. */
export function showTarget(places: Readonly<Record<string, Point>>): void {
  const target = under(places);
  const around = aroundNow();
  const goes = own(places).some((id) => (around.get(id) ?? null) !== target);
  useCanvas.setState({ dropInto: target && goes ? target : null });
}

export const hideTarget = (): void => useCanvas.setState({ dropInto: null });

/** Drops nodes into another container, or out of theirs; false when they stay where they are. */
export function dropInto(places: Readonly<Record<string, Point>>): boolean {
  const target = under(places);
  hideTarget();
  if (target === undefined) return false;
  const around = aroundNow();
  const ids = own(places);
  if (ids.every((id) => (around.get(id) ?? null) === target)) return false;
  relocate(ids, target, places);
  return true;
}
