import { useRef } from "react";
import classes from "./Grip.module.css";

interface GripProps {
  label: string;
  /** The side of the panel that is moved. */
  side: "left" | "top";
  size: number;
  range: { least: number; usual: number; most: number };
  onResize: (size: number) => void;
}

const STEP = 16;

/** The edge of a panel that is dragged, or moved by the arrow keys, to resize it. */
export function Grip({ label, side, size, range, onResize }: GripProps) {
  const start = useRef<{ at: number; size: number } | null>(null);
  const along = (event: React.PointerEvent) => (side === "left" ? event.clientX : event.clientY);
  const set = (wanted: number) => onResize(Math.min(range.most, Math.max(range.least, wanted)));
  const grow = side === "left" ? "ArrowLeft" : "ArrowUp";
  const shrink = side === "left" ? "ArrowRight" : "ArrowDown";
  return (
    // biome-ignore lint/a11y/useSemanticElements: a window splitter; hr cannot be focused or dragged.
    <div
      className={classes.grip}
      data-side={side}
      role="separator"
      tabIndex={0}
      aria-orientation={side === "left" ? "vertical" : "horizontal"}
      aria-label={label}
      aria-valuenow={Math.round(size)}
      aria-valuemin={range.least}
      aria-valuemax={range.most}
      onPointerDown={(event) => {
        event.currentTarget.setPointerCapture(event.pointerId);
        start.current = { at: along(event), size };
        event.preventDefault();
      }}
      onPointerMove={(event) => {
        if (start.current) set(start.current.size + start.current.at - along(event));
      }}
      onPointerUp={() => {
        start.current = null;
      }}
      onDoubleClick={() => set(range.usual)}
      onKeyDown={(event) => {
        if (event.key === grow) set(size + STEP);
        else if (event.key === shrink) set(size - STEP);
        else return;
        event.preventDefault();
      }}
    />
  );
}
