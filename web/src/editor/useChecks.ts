/** Asks the server what is wrong with the flow, a moment after it changed and was saved. */
import { useEffect } from "react";
import { api } from "@/api/client";
import type { CheckResult, Problem } from "@/api/types";
import { NO_PROBLEMS, setProblems, useProblems } from "@/canvas/problems";
import { useCover } from "@/flow/asItWas";
import { type Graph, useGraph, useSession } from "@/flow/store";
import type { DocumentProblem } from "@/flow/types";

const QUIET_MS = 250;

/** What a check depends on: everything but places and selections. */
function checked({ nodes, edges, meta }: Graph): string {
  const parts = Object.values(nodes).map(({ position: _, notes: __, ...node }) => node);
  return JSON.stringify([parts, edges.map((e) => e.id), meta.mode, meta.inputs, meta.outputs]);
}

/** What reading hid, as problems beside those of the check. */
function ofDocument({ code, node, edge, path }: DocumentProblem): Problem {
  return {
    code,
    severity: "warning",
    message: code,
    ...(node ? { node } : {}),
    ...(edge ? { edge } : {}),
    ...(path ? { path } : {}),
    params: { path: path ?? "", edge: edge ?? "", node: node ?? "" },
  };
}

export function useChecks(flowId: string): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let asked = "";
    let found: Problem[] = [];
    let over = false;

    const publish = () => {
      if (useCover.getState().covered) {
        setProblems([]);
        return;
      }
      const hidden = useGraph.getState().problems.map(ofDocument);
      const others = found.filter(({ code }) => !code.startsWith("document."));
      setProblems([...hidden, ...others]);
    };
    const ask = async (text: string) => {
      try {
        const { problems } = await api.post<CheckResult>(`/flows/${flowId}/check`);
        if (over || text !== asked) return;
        // An empty canvas is an invitation, not a mistake.
        found = problems.filter(({ code }) => code !== "check.empty_flow");
        publish();
      } catch {
        // Without an answer the last one stays; the next change asks again.
        if (text === asked) asked = "";
      }
    };
    const look = () => {
      clearTimeout(timer);
      timer = setTimeout(() => {
        const graph = useGraph.getState();
        const session = useSession.getState();
        if (!graph.ready || session.saved !== "saved" || useCover.getState().covered) return;
        const text = checked(graph);
        if (text === asked) return;
        asked = text;
        void ask(text);
      }, QUIET_MS);
    };
    const stops = [
      useCover.subscribe(publish),
      useGraph.subscribe((now, was) => {
        if (now.problems !== was.problems) publish();
        if (now.nodes !== was.nodes || now.edges !== was.edges || now.meta !== was.meta) look();
        else if (now.ready !== was.ready) look();
      }),
      useSession.subscribe((now, was) => {
        if (now.saved !== was.saved) look();
      }),
    ];
    look();
    return () => {
      over = true;
      clearTimeout(timer);
      for (const stop of stops) stop();
      useProblems.setState(NO_PROBLEMS, true);
    };
  }, [flowId]);
}
