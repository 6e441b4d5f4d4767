import { useCallback, useEffect, useRef, useState } from "react";

const PAUSE = 450;

export interface Draft<T> {
  value: T;
  /** What is being typed; committed after a pause. */
  change: (value: T) => void;
  /** Commits at once: on blur, on Enter. */
  commit: () => void;
  /** Commits this at once: a choice, not typing. */
  set: (value: T) => void;
}

/**
 * A value while it is typed: shown at once, handed on after a pause or on blur. What others
 * change meanwhile is shown, unless one is in the middle of typing here.
 */
export function useDraft<T>(outside: T, onCommit: (value: T) => void): Draft<T> {
  const [value, setValue] = useState(outside);
  const latest = useRef({ value: outside, dirty: false });
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const send = useRef(onCommit);
  send.current = onCommit;

  const commit = useCallback(() => {
    clearTimeout(timer.current);
    if (!latest.current.dirty) return;
    latest.current.dirty = false;
    send.current(latest.current.value);
  }, []);

  const change = useCallback(
    (next: T) => {
      latest.current = { value: next, dirty: true };
      setValue(next);
      clearTimeout(timer.current);
      timer.current = setTimeout(commit, PAUSE);
    },
    [commit],
  );

  const set = useCallback(
    (next: T) => {
      latest.current = { value: next, dirty: true };
      setValue(next);
      commit();
    },
    [commit],
  );

  useEffect(() => {
    if (latest.current.dirty) return;
    latest.current.value = outside;
    setValue(outside);
  }, [outside]);

  // The panel may close before the pause is over: nothing typed is lost.
  useEffect(() => commit, [commit]);

  return { value, change, commit, set };
}
