/** What a run has to do with the one that it took outputs from. */
import type { RunInfo } from "@/api/types";

type Part = Pick<RunInfo, "from_node">;

/**
 * Whether it is another try of that run, or a fork that begins at one of its nodes. Of a run that
 * began at a node already, both look alike where they begin at the same: then it is just `from` it.
 */
export function kindOf(run: Part, former: Part): "again" | "fork" | "from" {
  if (run.from_node == null) return "again";
  return run.from_node === former.from_node ? "from" : "fork";
}
