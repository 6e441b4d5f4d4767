import { type RefObject, useEffect, useRef, useState } from "react";
import type * as Y from "yjs";

interface LiveTextOptions {
  value: string;
  shared: Y.Text | undefined;
  area: RefObject<HTMLTextAreaElement | null>;
  onChange: (text: string) => void;
}

/** How many characters two texts share at their beginning. */
function sharedStart(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let at = 0;
  while (at < most && a[at] === b[at]) at += 1;
  return at;
}

/** Where a caret belongs after somebody else changed the text around it. */
export function movedCaret(before: string, after: string, caret: number): number {
  const start = sharedStart(before, after);
  if (caret <= start) return caret;
  let end = 0;
  const most = Math.min(before.length, after.length) - start;
  while (end < most && before[before.length - 1 - end] === after[after.length - 1 - end]) end += 1;
  const oldEnd = before.length - end;
  const newEnd = after.length - end;
  return caret >= oldEnd ? caret + (newEnd - oldEnd) : Math.min(caret, newEnd);
}

/** A text that several people type in: each keystroke is handed on, others' appear at once. */
export function useLiveText({ value, shared, area, onChange }: LiveTextOptions) {
  const outside = useShared(shared) ?? value;
  const [text, setText] = useState(outside);
  const shown = useRef(outside);
  const caret = useRef<[number, number] | null>(null);

  useEffect(() => {
    if (outside === shown.current) return;
    const field = area.current;
    if (field && document.activeElement === field) {
      const move = (at: number) => movedCaret(shown.current, outside, at);
      caret.current = [move(field.selectionStart), move(field.selectionEnd)];
    }
    shown.current = outside;
    setText(outside);
  }, [outside, area]);

  return {
    text,
    type(next: string): void {
      shown.current = next;
      setText(next);
      onChange(next);
    },
    restoreCaret(): void {
      if (caret.current) area.current?.setSelectionRange(...caret.current);
      caret.current = null;
    },
  };
}

function useShared(shared: Y.Text | undefined): string | undefined {
  const [text, setText] = useState(() => shared?.toString());
  useEffect(() => {
    setText(shared?.toString());
    if (!shared) return;
    const update = () => setText(shared.toString());
    shared.observe(update);
    return () => shared.unobserve(update);
  }, [shared]);
  return text;
}
