/** What React Flow reports, turned into selections, drags that others see, and commands. */
import type { EdgeChange, NodeChange } from "@xyflow/react";
import { useCallback, useEffect } from "react";
import { moveNodes, setNote } from "@/flow/commands";
import { setSize } from "@/flow/containers";
import { contentsOf } from "@/flow/nesting";
import { aroundNow, frameNow, withContents } from "@/flow/scene";
import { current } from "@/flow/session";
import { canEdit, setSelection, useGraph, useSession } from "@/flow/store";
import type { Point } from "@/flow/types";
import { dropInto, showTarget } from "./dropping";
import { type CanvasNode, setMoving, setSizing, useElements, type WireEdge } from "./elements";
import { CARD_WIDTH, HEAD_HEIGHT } from "./geometry";
import { type Box, NO_GUIDES, snap } from "./guides/snap";
import { useCanvas } from "./state";
import { zoomNow } from "./view";

type Changes = NodeChange<CanvasNode>[];
type Selected = { type: string; id?: string; selected?: boolean };

/** The selection after some "select" changes. */
function reselect(before: readonly string[], changes: readonly Selected[]): string[] {
  const chosen = new Set(before);
  for (const change of changes) {
    if (change.type !== "select" || change.id === undefined) continue;
    if (change.selected) chosen.add(change.id);
    else chosen.delete(change.id);
  }
  return [...chosen];
}

function select(changes: readonly Selected[], kind: "nodes" | "edges"): void {
  if (!changes.some((change) => change.type === "select")) return;
  const { selection, selectedEdges } = useGraph.getState();
  if (kind === "nodes") setSelection(reselect(selection, changes), selectedEdges);
  else setSelection(selection, reselect(selectedEdges, changes));
}

const REACH_PX = 6;

/** A single dragged card comes to rest in line with its neighbours; Alt lets it go anywhere. */
function aligned(places: Record<string, Point>): Record<string, Point> {
  const [id, ...more] = Object.keys(places);
  const at = places[id ?? ""];
  const own = id === undefined ? undefined : nodeById(id);
  if (!id || !at || !own || more.length > 0 || free) {
    useCanvas.setState({ guides: NO_GUIDES });
    return places;
  }
  const inside = contentsOf([id], aroundNow());
  const others = useElements
    .getState()
    .nodes.filter((n) => n.type === "card" && n.id !== id && !inside.has(n.id));
  const found = snap({ ...boxOf(own), ...at }, others.map(boxOf), REACH_PX / zoomNow());
  useCanvas.setState({ guides: { x: found.x, y: found.y } });
  return { [id]: found.place };
}

const nodeById = (id: string) => useElements.getState().nodes.find((n) => n.id === id);

const boxOf = ({ position, width = CARD_WIDTH, height = HEAD_HEIGHT }: CanvasNode): Box => ({
  ...position,
  width,
  height,
});

/** What is being dragged by hand, and where it is; what lies in it goes along. */
let taken: Record<string, Point> = {};

/** Whether Alt is held: then a drag does not snap. */
let free = false;

/** Nodes being dragged move here and in the others' view; dropped ones in the document. */
function move(changes: Changes): void {
  const dragged: Record<string, Point> = {};
  const dropped: Record<string, Point> = {};
  for (const change of changes) {
    if (change.type !== "position" || !change.position) continue;
    (change.dragging ? dragged : dropped)[change.id] = change.position;
  }
  const presence = current()?.presence;
  if (Object.keys(dragged).length > 0) {
    taken = { ...taken, ...aligned(dragged) };
    setMoving(withContents(taken, true));
    showTarget(taken);
    presence?.setDrag(taken);
  }
  const ids = Object.keys(dropped);
  if (ids.length === 0) return;
  const byHand = Object.keys(taken).length > 0;
  // What was shown is where it is: the pointer may be a little beside it.
  const places = Object.fromEntries(ids.map((id) => [id, taken[id] ?? dropped[id] ?? ORIGIN]));
  taken = {};
  if (!byHand) moveNodes(places, "moveNodes", `nudge:${ids.join()}`);
  else if (!dropInto(places)) moveNodes(places);
  setMoving({});
  useCanvas.setState({ guides: NO_GUIDES });
  presence?.setDrag(null);
}

const ORIGIN: Point = { x: 0, y: 0 };

function resize(changes: Changes): void {
  for (const change of changes) {
    if (change.type !== "dimensions" || !change.dimensions) continue;
    if (change.resizing) setSizing({ [change.id]: change.dimensions });
    else if (change.resizing === false) {
      const { width, height } = change.dimensions;
      const frame = frameNow(change.id);
      if (frame) setSize(change.id, { x: frame.x, y: frame.y, width, height });
      else {
        const size = { width: Math.round(width), height: Math.round(height) };
        setNote(change.id, "size", size);
      }
      setSizing({});
    }
  }
}

export function useChanges() {
  const onNodesChange = useCallback((changes: Changes) => {
    select(changes, "nodes");
    if (!canEdit(useSession.getState())) return;
    resize(changes);
    move(changes);
  }, []);
  const onEdgesChange = useCallback((changes: EdgeChange<WireEdge>[]) => {
    select(changes, "edges");
  }, []);
  useEffect(() => {
    const follow = (event: KeyboardEvent) => {
      free = event.altKey;
    };
    window.addEventListener("keydown", follow);
    window.addEventListener("keyup", follow);
    return () => {
      window.removeEventListener("keydown", follow);
      window.removeEventListener("keyup", follow);
    };
  }, []);
  return { onNodesChange, onEdgesChange };
}
