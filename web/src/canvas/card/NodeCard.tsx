import type { NodeProps } from "@xyflow/react";
import { memo, useMemo } from "react";
import { usePresence } from "@/flow/presence";
import { CategoryTile } from "@/ui/NodeIcon";
import { cardState } from "../cardState";
import { BreakpointDot } from "../debug/BreakpointDot";
import type { CardNode } from "../elements";
import { HEAD_HEIGHT } from "../geometry";
import { useCanEdit, useSpec } from "../hooks";
import { useCardRun } from "../useCardRun";
import { Bar } from "./Bar";
import { Name } from "./CardText";
import { Dots } from "./Dots";
import { Folded } from "./Folded";
import { Line } from "./Line";
import classes from "./NodeCard.module.css";
import { Status } from "./Status";

/** A node on the canvas. */
export const NodeCard = memo(function NodeCard({ id, data, selected }: NodeProps<CardNode>) {
  const { node, shape, filled, folded } = data;
  const spec = useSpec(node.type);
  const run = useCardRun(id);
  const state = cardState(node, run, spec !== undefined);
  const who = usePresence((s) => s.selectedBy[id]);
  const canEdit = useCanEdit();
  const style = useMemo(() => (who ? { "--who": who.color } : undefined), [who]);
  return (
    <div className={classes.node} style={style as React.CSSProperties | undefined}>
      {who && <span className={classes.who}>{who.name}</span>}
      <BreakpointDot id={id} />
      <div
        className={classes.card}
        data-testid="node-card"
        data-node-id={id}
        data-state={state}
        data-selected={selected}
        data-other={who !== undefined}
        data-folded={folded !== null}
        style={{ minHeight: shape.height }}
      >
        <div className={classes.head}>
          <CategoryTile name={spec?.icon} category={spec?.category} />
          <div className={classes.text}>
            <div className={classes.first}>
              <Name node={node} spec={spec} />
              <Status id={id} run={run} state={state} />
            </div>
            {folded === null ? (
              <Line node={node} spec={spec} state={state} run={run} />
            ) : (
              <Folded id={id} count={folded} name={node.name ?? spec?.name ?? node.type} />
            )}
          </div>
        </div>
        {shape.height > HEAD_HEIGHT && <div style={{ height: shape.height - HEAD_HEIGHT }} />}
        {state === "running" && <Bar run={run} />}
      </div>
      <Dots ports={shape.inputs} side="target" {...{ id, spec, filled, canEdit }} />
      <Dots ports={shape.outputs} side="source" {...{ id, spec, filled, canEdit }} />
    </div>
  );
});
