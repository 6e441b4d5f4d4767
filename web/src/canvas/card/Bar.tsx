import type { NodeRun } from "@/runs/types";
import { progress } from "../cardState";
import classes from "./Bar.module.css";

/** How far the node is: a share of its work, or a bar that moves while the size is unknown. */
export function Bar({ run }: { run: NodeRun }) {
  const share = progress(run);
  return (
    <div className={classes.bar} data-known={share !== null}>
      <i style={share === null ? undefined : { width: `${share * 100}%` }} />
    </div>
  );
}
