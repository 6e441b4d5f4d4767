/** The condition of a breakpoint: only one that the server can read is kept. */
import { api } from "@/api/client";
import type { Problem } from "@/api/types";
import { queryClient } from "@/app/queryClient";
import { breakpointOf, PLAIN, setBreakpoint } from "@/flow/breakpoints";

const NAME = /^[\p{L}_][\p{L}\p{N}_]{0,99}$/u;
const MOST_PORTS = 200;

/** How a condition is asked about; the answer stays right as long as the page is open. */
export function checkOf(condition: string, ports: readonly string[]) {
  const names = ports.filter((port) => NAME.test(port)).slice(0, MOST_PORTS);
  return {
    queryKey: ["condition", condition, names],
    staleTime: Number.POSITIVE_INFINITY,
    queryFn: async (): Promise<Problem[]> => {
      if (condition.trim() === "") return [];
      const body = { condition, ports: names };
      return (await api.post<{ problems: Problem[] }>("/check/condition", body)).problems;
    },
  };
}

/** Keeps a condition unless something is wrong with it; answers whether it was kept. */
export async function keepCondition(
  node: string,
  condition: string,
  ports: readonly string[],
): Promise<boolean> {
  const before = breakpointOf(node);
  if ((before?.condition ?? "") === condition) return true;
  // Without an answer it is kept: the run says at its start what is wrong.
  const problems = await queryClient.fetchQuery(checkOf(condition, ports)).catch(() => []);
  if (problems.length > 0) return false;
  // Whoever took the breakpoint away meanwhile does not want it back.
  if (before && !breakpointOf(node)) return false;
  setBreakpoint(node, { ...(breakpointOf(node) ?? PLAIN), condition });
  return true;
}
