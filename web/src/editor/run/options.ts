/** Where runs that are started here do their work; remembered in this browser. */
import { create } from "zustand";
import type { Environment } from "@/api/types";

interface RunOptions {
  env: Environment;
  /** How much may happen at once; null leaves it to the flow. */
  parallelism: number | null;
}

const STORAGE = "weft.run";
export const ENVIRONMENTS: readonly Environment[] = ["local", "processes", "ray"];
export const MOST_PARALLEL = 1024;

function remembered(): RunOptions {
  try {
    const kept = JSON.parse(localStorage.getItem(STORAGE) ?? "{}") as Partial<RunOptions>;
    const { parallelism } = kept;
    return {
      env: ENVIRONMENTS.find((env) => env === kept.env) ?? "local",
      parallelism: typeof parallelism === "number" && parallelism >= 1 ? parallelism : null,
    };
  } catch {
    return { env: "local", parallelism: null };
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
