import { createElement, type ReactNode, useEffect, useState } from "react";
import { drawingOf, loadDrawings } from "./outline";

interface OutlineIconProps {
  name: string;
  size: number;
  /** Shown until the drawing is here, and when there is none of this name. */
  instead: ReactNode;
}

/** Any outline icon of Tabler by its name. */
export function OutlineIcon({ name, size, instead }: OutlineIconProps) {
  const drawing = useDrawing(name);
  if (!drawing) return instead;
  return (
    <svg
      width={size}
      height={size}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      strokeWidth={1.6}
      strokeLinecap="round"
      strokeLinejoin="round"
      aria-hidden
      data-icon={name}
    >
      {drawing.map(([tag, attributes], index) =>
        createElement(tag, { ...attributes, key: `${index}` }),
      )}
    </svg>
  );
}

function useDrawing(name: string) {
  const [, setReady] = useState(false);
  const drawing = drawingOf(name);
  const missing = drawing === undefined;
  useEffect(() => {
    if (!missing) return;
    let here = true;
    void loadDrawings().then(() => here && setReady(true));
    return () => {
      here = false;
    };
  }, [missing]);
  return drawing;
}
