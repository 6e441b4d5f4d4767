/** Choosing containers: by their head, and by a box drawn around the whole of them. */
import { contentsOf } from "@/flow/nesting";
import { aroundNow, framesNow } from "@/flow/scene";
import { setSelection, useGraph } from "@/flow/store";
import type { Point } from "@/flow/types";

/** A click on the head of a container: with a modifier it is added, or taken away. */
export function chooseContainer(id: string, more: boolean): void {
  const { selection, selectedEdges } = useGraph.getState();
  if (!more) setSelection([id]);
  else if (selection.includes(id))
    setSelection(
      selection.filter((each) => each !== id),
      selectedEdges,
    );
  else setSelection([...selection, id], selectedEdges);
}

/** After a box was drawn: containers that lie in it whole are chosen, with what is in them. */
export function chooseEnclosed(from: Point, to: Point): void {
  const [left, right] = [Math.min(from.x, to.x), Math.max(from.x, to.x)];
  const [top, bottom] = [Math.min(from.y, to.y), Math.max(from.y, to.y)];
  const whole = [...framesNow()].flatMap(([id, frame]) => {
    const inX = frame.x >= left && frame.x + frame.width <= right;
    return inX && frame.y >= top && frame.y + frame.height <= bottom ? [id] : [];
  });
  if (whole.length === 0) return;
  const { selection, selectedEdges } = useGraph.getState();
  const inside = contentsOf(whole, aroundNow());
  const rest = selection.filter((id) => !inside.has(id));
  setSelection([...new Set([...rest, ...whole.filter((id) => !inside.has(id))])], selectedEdges);
}
