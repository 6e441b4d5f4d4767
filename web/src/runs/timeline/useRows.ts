import { useEffect, useMemo, useState } from "react";
import { useGraph } from "@/flow/store";
import { activations, useActivations } from "../activations";
import { ownNode, useDepths } from "../nodes";
import { useRun } from "../store";
import { type Row, rowsOf, type Wiring } from "./rows";

const EVERY_MS = 200;

/** A number that follows another, but not many times a second. */
function useCalm(value: number): number {
  const [calm, setCalm] = useState(value);
  useEffect(() => {
    if (value === calm) return;
    const timer = setTimeout(() => setCalm(value), EVERY_MS);
    return () => clearTimeout(timer);
  }, [value, calm]);
  return calm;
}

/** Which node feeds which, by their paths in the run. */
export function useWiring(): Wiring {
  const nodes = useGraph((s) => s.nodes);
  const edges = useGraph((s) => s.edges);
  const depths = useDepths();
  return useMemo(() => {
    const into = new Map<string, string[]>();
    for (const { source, target } of edges) {
      const list = into.get(target);
      if (list) list.push(source);
      else into.set(target, [source]);
    }
    const own = (path: string) => ownNode(nodes, path) ?? "";
    return {
      sources: (path) => {
        const cut = path.lastIndexOf("/") + 1;
        return (into.get(own(path)) ?? []).map((id) => path.slice(0, cut) + id);
      },
      depth: (path) => depths.get(own(path)) ?? 0,
    };
  }, [nodes, edges, depths]);
}

/** The rows of the run that is shown. */
export function useRows(opened: ReadonlySet<string>): Row[] {
  const version = useCalm(useActivations((s) => s.version));
  const runId = useRun((s) => s.runId);
  const nodes = useRun((s) => s.nodes);
  const begin = useRun((s) => s.startedAt) ?? 0;
  const wiring = useWiring();
  // The log changes in place: its version stands for it, and for the nodes that change with it.
  // biome-ignore lint/correctness/useExhaustiveDependencies: see above
  return useMemo(
    () => rowsOf({ log: activations, nodes, wiring, opened, begin }),
    [version, runId, wiring, opened, begin, Object.keys(nodes).length],
  );
}
