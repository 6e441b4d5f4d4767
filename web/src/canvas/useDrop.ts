/** Node types dragged from the palette onto the canvas, and files dropped on it. */
import { useMemo } from "react";
import { addNode } from "@/flow/commands";
import { DRAG_TYPE } from "./add/Palette";
import { dropFiles } from "./dropFiles";
import { CARD_WIDTH, HEAD_HEIGHT } from "./geometry";
import { focusCanvas, toCanvas } from "./view";

export function useDrop() {
  return useMemo(
    () => ({
      onDragOver(event: React.DragEvent) {
        const kinds = event.dataTransfer.types;
        if (!kinds.includes(DRAG_TYPE) && !kinds.includes("Files")) return;
        event.preventDefault();
        event.dataTransfer.dropEffect = "copy";
      },
      onDrop(event: React.DragEvent) {
        const at = toCanvas({ x: event.clientX, y: event.clientY });
        const type = event.dataTransfer.getData(DRAG_TYPE);
        const files = [...event.dataTransfer.files];
        if (!type && files.length === 0) return;
        event.preventDefault();
        if (type) addNode(type, { x: at.x - CARD_WIDTH / 2, y: at.y - HEAD_HEIGHT / 2 });
        else void dropFiles(files, at);
        focusCanvas();
      },
    }),
    [],
  );
}
