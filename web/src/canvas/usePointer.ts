/** The pointer on the canvas: what others see of it, double clicks and menus. */
import type { Edge, Node } from "@xyflow/react";
import { useMemo } from "react";
import { current } from "@/flow/session";
import { canEdit, setSelection, useGraph, useSession } from "@/flow/store";
import type { Point } from "@/flow/types";
import { chooseContainer, chooseEnclosed } from "./choosing";
import type { CanvasNode } from "./elements";
import { CARD_WIDTH, HEAD_HEIGHT } from "./geometry";
import { type MenuRequest, openQuickAdd, useCanvas } from "./state";
import { toCanvas } from "./view";

const HOVER_MS = 250;

function openMenu(event: MouseEvent | React.MouseEvent, target: MenuRequest["target"]): void {
  event.preventDefault();
  const at = { x: event.clientX, y: event.clientY };
  useCanvas.setState({ menu: { at, place: toCanvas(at), target } });
}

function selectFor(id: string): void {
  const { selection, selectedEdges } = useGraph.getState();
  if (!selection.includes(id) && !selectedEdges.includes(id)) setSelection([id]);
}

function quickAddAt(at: Point): void {
  if (!canEdit(useSession.getState())) return;
  const place = toCanvas(at);
  openQuickAdd({
    at,
    place: { x: place.x - CARD_WIDTH / 2, y: place.y - HEAD_HEIGHT / 2 },
  });
}

const onPane = (event: React.MouseEvent): boolean =>
  (event.target as HTMLElement).classList.contains("react-flow__pane");

export function usePointer() {
  return useMemo(() => {
    let leaving: ReturnType<typeof setTimeout> | undefined;
    let boxFrom: Point | null = null;
    return {
      frame: {
        onPointerDownCapture(event: React.PointerEvent) {
          boxFrom = toCanvas({ x: event.clientX, y: event.clientY });
        },
        onPointerMove(event: React.PointerEvent) {
          const at = toCanvas({ x: event.clientX, y: event.clientY });
          useCanvas.setState({ pointer: at });
          current()?.presence?.setCursor(at);
        },
        onPointerLeave() {
          useCanvas.setState({ pointer: null });
          current()?.presence?.setCursor(null);
        },
        onDoubleClick(event: React.MouseEvent) {
          if (onPane(event)) quickAddAt({ x: event.clientX, y: event.clientY });
        },
      },
      flow: {
        onPaneContextMenu: (event: MouseEvent | React.MouseEvent) =>
          openMenu(event, { kind: "pane", id: null }),
        onNodeContextMenu(event: React.MouseEvent, node: Node) {
          selectFor(node.id);
          openMenu(event, { kind: node.type === "note" ? "note" : "node", id: node.id });
        },
        onSelectionContextMenu: (event: React.MouseEvent) =>
          openMenu(event, { kind: "node", id: null }),
        onEdgeContextMenu(event: React.MouseEvent, edge: Edge) {
          setSelection([], [edge.id]);
          openMenu(event, { kind: "edge", id: edge.id });
        },
        onNodeClick(event: React.MouseEvent, node: CanvasNode) {
          if (node.type !== "container") return;
          chooseContainer(node.id, event.shiftKey || event.metaKey || event.ctrlKey);
        },
        onSelectionEnd(event: React.MouseEvent) {
          if (boxFrom) chooseEnclosed(boxFrom, toCanvas({ x: event.clientX, y: event.clientY }));
        },
        onNodeDoubleClick(_: React.MouseEvent, node: CanvasNode) {
          if (canEdit(useSession.getState())) useCanvas.setState({ renaming: node.id });
        },
        onEdgeMouseEnter(_: React.MouseEvent, edge: Edge) {
          clearTimeout(leaving);
          useCanvas.setState({ hoveredEdge: edge.id });
        },
        onEdgeMouseLeave() {
          clearTimeout(leaving);
          leaving = setTimeout(() => useCanvas.setState({ hoveredEdge: null }), HOVER_MS);
        },
        onPaneClick: () => useCanvas.setState({ menu: null }),
      },
    };
  }, []);
}
