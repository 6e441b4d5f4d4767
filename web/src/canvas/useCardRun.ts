import { IDLE_NODE } from "@/runs/reduce";
import { useRun } from "@/runs/store";
import type { NodeRun, RunSnapshot } from "@/runs/types";
import { useElements } from "./elements";

/** What a run knows of a node; runs call what lies in containers by its path. */
export const nodeRunAt = (run: RunSnapshot, id: string, path: string): NodeRun =>
  run.nodes[path] ?? run.nodes[id] ?? IDLE_NODE;

/** One node's part of the run; renders only when that node changes. */
export function useCardRun(id: string): NodeRun {
  const path = useElements((s) => s.paths.get(id) ?? id);
  return useRun((run) => nodeRunAt(run, id, path));
}
