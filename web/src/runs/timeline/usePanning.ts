import { type PointerEvent, type RefObject, useEffect, useRef } from "react";
import { panned, type Span, zoomed } from "./view";

interface Panning {
  span: Span;
  whole: number;
  show: (span: Span) => void;
  scroller: RefObject<HTMLDivElement | null>;
}

const TRACK = "[data-track]";

/** How far along the track a point of the page is, and how wide the track is. */
function along(target: Element | null, x: number): { share: number; width: number } | null {
  const track = target?.closest("[role=tree]")?.querySelector(TRACK);
  if (!track) return null;
  const box = track.getBoundingClientRect();
  return { share: Math.min(1, Math.max(0, (x - box.left) / box.width)), width: box.width };
}

/** The wheel with Ctrl zooms, sideways and dragging move; up and down still scrolls. */
export function usePanning({ span, whole, show, scroller }: Panning) {
  const now = useRef({ span, whole, show });
  now.current = { span, whole, show };
  const drag = useRef<{ x: number; span: Span; width: number } | null>(null);

  useEffect(() => {
    const box = scroller.current;
    if (!box) return;
    const onWheel = (event: WheelEvent) => {
      const at = along(event.target as Element, event.clientX);
      if (!at) return;
      const { span: shown, whole: all, show: tell } = now.current;
      const length = shown.to - shown.from;
      if (event.ctrlKey || event.metaKey) {
        event.preventDefault();
        tell(zoomed(shown, all, 1.0016 ** event.deltaY, shown.from + at.share * length));
      } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
        event.preventDefault();
        tell(panned(shown, all, ((event.deltaX || event.deltaY) / at.width) * length));
      }
    };
    // React listens passively: it could not keep the page from zooming.
    box.addEventListener("wheel", onWheel, { passive: false });
    return () => box.removeEventListener("wheel", onWheel);
  }, [scroller]);

  return {
    onPointerDown(event: PointerEvent<HTMLDivElement>): void {
      const target = event.target as Element;
      const at = target.closest(TRACK) ? along(target, event.clientX) : null;
      if (event.button !== 0 || !at) return;
      drag.current = { x: event.clientX, span, width: at.width };
    },
    onPointerMove(event: PointerEvent<HTMLDivElement>): void {
      const held = drag.current;
      if (!held || event.buttons === 0) {
        drag.current = null;
        return;
      }
      const length = held.span.to - held.span.from;
      show(panned(held.span, whole, ((held.x - event.clientX) / held.width) * length));
    },
    onPointerUp(): void {
      drag.current = null;
    },
  };
}
