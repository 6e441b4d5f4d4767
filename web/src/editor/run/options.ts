/** Where runs that are started here do their work; remembered in this browser. */
import { create } from "zustand";
import type { Environment } from "@/api/types";

interface RunOptions {
  /** Null leaves it to the flow. */
  env: Environment | null;
  /** How much may happen at once; null leaves it to the flow. */
  parallelism: number | null;
}

// Not "weft.run": what was kept there was sent whether somebody had chosen it or not.
const STORAGE = "weft.run.options";
export const ENVIRONMENTS: readonly Environment[] = ["local", "processes", "ray"];
export const MOST_PARALLEL = 1024;

function remembered(): RunOptions {
  try {
    const kept = JSON.parse(localStorage.getItem(STORAGE) ?? "{}") as Partial<RunOptions>;
    const { parallelism } = kept;
    return {
      env: ENVIRONMENTS.find((env) => env === kept.env) ?? null,
      parallelism: typeof parallelism === "number" && parallelism >= 1 ? parallelism : null,
    };
  } catch {
    return { env: null, parallelism: null };
  }
}

export const useRunOptions = create<RunOptions>(remembered);

useRunOptions.subscribe((state) => {
  try {
    localStorage.setItem(STORAGE, JSON.stringify(state));
  } catch {
    // Without storage the choice lasts as long as the page.
  }
});
