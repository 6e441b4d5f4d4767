import { useEffect, useState } from "react";
import { useFormats } from "./format";

const MINUTE = 60_000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(() => {
    for (const each of listeners) each();
  }, MINUTE / 2);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The present time, renewed every half minute. */
export function useNow(): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => subscribe(() => setNow(Date.now())), []);
  return now;
}

/** A time relative to now, with the exact one on hover. */
export function When({ time }: { time: string | number }) {
  const formats = useFormats();
  const now = useNow();
  const iso = typeof time === "string" ? time : new Date(time).toISOString();
  return (
    <time dateTime={iso} title={formats.exact(time)}>
      {formats.relative(time, Math.max(now, Date.now()))}
    </time>
  );
}
