import { BaseEdge, EdgeLabelRenderer, type EdgeProps, getBezierPath } from "@xyflow/react";
import { memo } from "react";
import { useShallow } from "zustand/react/shallow";
import { IDLE_NODE } from "@/runs/reduce";
import { isActive, useRun } from "@/runs/store";
import type { NodeRun, RunSnapshot } from "@/runs/types";
import { useElements, type WireEdge } from "../elements";
import { useCanvas } from "../state";
import { nodeRunAt } from "../useCardRun";
import classes from "./Wire.module.css";
import { WireLabel } from "./WireLabel";

export type Flowing = "still" | "live" | "bad" | "lost";

/** What a run shows on an edge. */
function flowing(run: RunSnapshot, source: NodeRun, target: NodeRun): Flowing {
  const from = source === IDLE_NODE ? undefined : source.state;
  const to = target.state;
  if (to === "failed") return "bad";
  if (from === "failed" || (from === "skipped" && to === "skipped")) return "lost";
  return isActive(run.state) && to === "running" && from !== undefined ? "live" : "still";
}

/** How many records went along an edge; `null` before a run. */
function countOf(from: NodeRun, port: string): number | null {
  if (from.state === "idle" || from.state === "queued" || from.state === "skipped") {
    return null;
  }
  return from.counts.out[port] ?? null;
}

const SHORT = 80;

/** A connection: counts after a run, a moving dash while records flow, red where one failed. */
export const Wire = memo(function Wire(props: EdgeProps<WireEdge>) {
  const { id, source, target, sourceHandleId, data, selected } = props;
  const [from, to] = useElements(useShallow((s) => [s.paths.get(source), s.paths.get(target)]));
  const state = useRun((run) =>
    flowing(run, nodeRunAt(run, source, from ?? source), nodeRunAt(run, target, to ?? target)),
  );
  const count = useRun((run) =>
    countOf(nodeRunAt(run, source, from ?? source), sourceHandleId ?? ""),
  );
  const hovered = useCanvas((s) => s.hoveredEdge === id);
  const active = hovered || selected === true;
  // Between a port that faces inwards and its neighbour there is hardly room for a number.
  const short = Math.hypot(props.targetX - props.sourceX, props.targetY - props.sourceY) < SHORT;
  const shown = short && !active ? null : count;
  const [path, x, y] = getBezierPath({ ...props, curvature: 0.3 });
  const how = data?.how ?? "same";
  const marked = how === "lift" || how === "collect" || how === "explode" || how === "";
  return (
    <>
      <BaseEdge
        path={path}
        className={classes.wire ?? ""}
        data-state={state}
        data-selected={selected === true}
        data-misfit={how === ""}
        interactionWidth={24}
      />
      {(shown !== null || marked || active) && (
        <EdgeLabelRenderer>
          <WireLabel
            edge={id}
            at={{ x, y }}
            count={shown}
            how={how}
            active={active}
            faded={state === "lost"}
          />
        </EdgeLabelRenderer>
      )}
    </>
  );
});
