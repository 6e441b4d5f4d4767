import { useCallback, useEffect, useRef, useState } from "react";

export interface Entry<T> {
  id: number;
  value: T;
}

export interface Entries<T> {
  items: readonly Entry<T>[];
  add: (value: T) => void;
  remove: (id: number) => void;
  change: (id: number, value: T) => void;
  /** Puts an entry at another place; handed on when the move is over. */
  move: (id: number, to: number) => void;
  settle: () => void;
}

let counter = 0;

function entry<T>(value: T): Entry<T> {
  counter += 1;
  return { id: counter, value };
}

/** The entries after a change from outside; those that stay the same keep their identity. */
export function reconcile<T>(before: readonly Entry<T>[], values: readonly T[]): Entry<T>[] {
  const same = (a: T, b: T) => JSON.stringify(a) === JSON.stringify(b);
  const free = [...before];
  return values.map((value, index) => {
    const at = free.findIndex((each) => same(each.value, value));
    if (at >= 0) return free.splice(at, 1)[0] as Entry<T>;
    const here = before[index];
    const place = here ? free.indexOf(here) : -1;
    if (place >= 0 && here) {
      free.splice(place, 1);
      return { id: here.id, value };
    }
    return entry(value);
  });
}

/** An entry moved to another place. */
export function moved<T>(items: readonly Entry<T>[], id: number, to: number): Entry<T>[] {
  const from = items.findIndex((each) => each.id === id);
  const item = items[from];
  if (!item || to < 0 || to >= items.length || from === to) return [...items];
  const rest = items.filter((each) => each.id !== id);
  rest.splice(to, 0, item);
  return rest;
}

function textOf(values: readonly unknown[]): string {
  return JSON.stringify(values);
}

/**
 * A list while it is edited: entries have an identity that survives typing and reordering.
 * `essence` tells what of the entries is handed on, so that unfinished ones are kept here.
 */
export function useEntries<T>(
  values: readonly T[],
  onCommit: (values: T[]) => void,
  essence: (values: readonly T[]) => string = textOf,
): Entries<T> {
  const [items, setItems] = useState(() => values.map(entry));
  const latest = useRef<readonly Entry<T>[]>(items);
  const send = useRef(onCommit);
  send.current = onCommit;
  const text = essence(values);

  // biome-ignore lint/correctness/useExhaustiveDependencies: the text says whether values changed
  useEffect(() => {
    if (essence(latest.current.map((each) => each.value)) === text) return;
    latest.current = reconcile(latest.current, values);
    setItems([...latest.current]);
  }, [text]);

  const show = useCallback((next: readonly Entry<T>[]) => {
    latest.current = next;
    setItems([...next]);
  }, []);
  const settle = useCallback(() => send.current(latest.current.map((each) => each.value)), []);
  const put = useCallback(
    (next: readonly Entry<T>[]) => {
      show(next);
      settle();
    },
    [show, settle],
  );

  return {
    items,
    settle,
    add: (value) => put([...latest.current, entry(value)]),
    remove: (id) => put(latest.current.filter((each) => each.id !== id)),
    change: (id, value) =>
      put(latest.current.map((each) => (each.id === id ? { id, value } : each))),
    move: (id, to) => show(moved(latest.current, id, to)),
  };
}
