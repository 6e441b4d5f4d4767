import { useStore, ViewportPortal } from "@xyflow/react";
import { useCanvas } from "../state";
import classes from "./Guides.module.css";

/** Lines that show with what a dragged card is in line. */
export function Guides() {
  const { x, y } = useCanvas((s) => s.guides);
  const [left, top, zoom] = useStore((s) => s.transform);
  const width = useStore((s) => s.width);
  const height = useStore((s) => s.height);
  if (x === null && y === null) return null;
  const thin = 1 / zoom;
  const seen = { left: -left / zoom, top: -top / zoom };
  return (
    <ViewportPortal>
      {x !== null && (
        <div
          className={classes.line}
          style={{ left: x - thin / 2, top: seen.top, width: thin, height: height / zoom }}
        />
      )}
      {y !== null && (
        <div
          className={classes.line}
          style={{ left: seen.left, top: y - thin / 2, width: width / zoom, height: thin }}
        />
      )}
    </ViewportPortal>
  );
}
