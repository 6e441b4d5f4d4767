import { create } from "zustand";

/** Whether the server answers; only requests that really failed to arrive set it to "down". */
interface ConnectionState {
  status: "up" | "down";
  since: number;
}

export const useConnection = create<ConnectionState>(() => ({ status: "up", since: 0 }));

const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 10_000;
const recovered = new Set<() => void>();
let probing = false;

/** Calls back each time the server answers again after it could not be reached. */
export function onRecovered(callback: () => void): () => void {
  recovered.add(callback);
  return () => recovered.delete(callback);
}

export function reportReached(): void {
  if (useConnection.getState().status === "up") return;
  useConnection.setState({ status: "up", since: Date.now() });
  for (const callback of recovered) callback();
}

export function reportUnreachable(): void {
  if (useConnection.getState().status === "down") return;
  useConnection.setState({ status: "down", since: Date.now() });
  if (!probing) void probe();
}

async function answers(): Promise<boolean> {
  try {
    const response = await fetch("/api/health", { cache: "no-store" });
    return response.ok;
  } catch {
    return false;
  }
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, ms);
    function done(): void {
      clearTimeout(timer);
      window.removeEventListener("online", done);
      resolve();
    }
    window.addEventListener("online", done);
  });
}

async function probe(): Promise<void> {
  probing = true;
  let wait = FIRST_WAIT;
  while (useConnection.getState().status === "down") {
    await pause(wait);
    if (await answers()) reportReached();
    wait = Math.min(wait * 2, LONGEST_WAIT);
  }
  probing = false;
}

/** Asks at once instead of waiting for the next probe. */
export async function tryAgain(): Promise<boolean> {
  const up = await answers();
  if (up) reportReached();
  return up;
}
