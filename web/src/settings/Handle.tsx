import { IconGripVertical } from "@tabler/icons-react";
import { type KeyboardEvent, type PointerEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Entries } from "./entries";
import classes from "./Form.module.css";

interface Span {
  top: number;
  height: number;
}

/**
 * The place of an entry that is dragged: it changes places with a neighbour once the pointer has
 * passed the middle of it, so that a low entry and a high one do not swap to and fro.
 */
export function placeOf(rows: readonly Span[], from: number, y: number): number {
  const middle = (row: Span | undefined) => (row ? row.top + row.height / 2 : Number.NaN);
  let place = from;
  while (y < middle(rows[place - 1])) place -= 1;
  while (y > middle(rows[place + 1])) place += 1;
  return place;
}

/** Where the row of this handle is, and where it belongs with the pointer at that height. */
function placesOf(handle: HTMLElement, y: number): [from: number, to: number] {
  const rows = [...(handle.closest("ul")?.children ?? [])];
  const from = rows.findIndex((row) => row.contains(handle));
  const spans = rows.map((row) => row.getBoundingClientRect());
  return [from, placeOf(spans, from, y)];
}

interface HandleProps<T> {
  entries: Entries<T>;
  id: number;
  index: number;
}

/** Moves an entry: dragged, or by the arrow keys. */
export function Handle<T>({ entries, id, index }: HandleProps<T>) {
  const { t } = useTranslation("form");
  const [dragging, setDragging] = useState(false);
  const drag = useRef<AbortController>(undefined);
  useEffect(() => () => drag.current?.abort(), []);

  function down(event: PointerEvent<HTMLButtonElement>): void {
    if (event.button !== 0) return;
    const { currentTarget: handle, pointerId } = event;
    const stop = new AbortController();
    const { signal } = stop;
    drag.current = stop;
    let changed = false;
    function move(at: { pointerId: number; clientY: number }): void {
      if (at.pointerId !== pointerId) return;
      const [from, to] = placesOf(handle, at.clientY);
      changed ||= from !== to;
      entries.move(id, to);
    }
    function end(at: { pointerId: number }): void {
      if (at.pointerId !== pointerId) return;
      stop.abort();
      setDragging(false);
      if (changed) entries.settle();
    }
    setDragging(true);
    // Listened for on the page: a row that is moved in the document loses its captured pointer.
    window.addEventListener("pointermove", move, { signal });
    window.addEventListener("pointerup", end, { signal });
    window.addEventListener("pointercancel", end, { signal });
  }

  function key(event: KeyboardEvent<HTMLButtonElement>): void {
    const step = event.key === "ArrowUp" ? -1 : event.key === "ArrowDown" ? 1 : 0;
    const place = index + step;
    if (step === 0) return;
    event.preventDefault();
    if (place < 0 || place >= entries.items.length) return;
    const handle = event.currentTarget;
    entries.move(id, place);
    entries.settle();
    // A row that is moved in the document loses the focus, too.
    requestAnimationFrame(() => handle.focus());
  }

  return (
    <button
      type="button"
      className={classes.handle}
      data-dragging={dragging || undefined}
      aria-label={t("entry.move", { number: index + 1 })}
      onPointerDown={down}
      onKeyDown={key}
    >
      <IconGripVertical size={14} stroke={1.8} />
    </button>
  );
}
