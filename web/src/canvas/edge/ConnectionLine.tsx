import { type ConnectionLineComponentProps, getBezierPath } from "@xyflow/react";
import { useTranslation } from "react-i18next";
import type { CanvasNode } from "../elements";
import { useRefusal } from "../refusal";
import { verdictAt } from "../state";
import classes from "./ConnectionLine.module.css";

/** The line being drawn; over a port that refuses it, it says why. */
export function ConnectionLine(props: ConnectionLineComponentProps<CanvasNode>) {
  const { fromX, fromY, toX, toY, fromPosition, toPosition, toHandle } = props;
  const { t } = useTranslation("editor");
  const words = useRefusal();
  const to = toHandle?.id
    ? { node: toHandle.nodeId, port: toHandle.id, side: toHandle.type }
    : null;
  const verdict = to ? verdictAt(to) : null;
  const refused = verdict !== null && !verdict.ok;
  const hint = verdict?.ok && verdict.replaces ? t("connect.replaces") : "";
  const text = refused ? words(verdict) : hint;
  const [path] = getBezierPath({
    sourceX: fromX,
    sourceY: fromY,
    sourcePosition: fromPosition,
    targetX: toX,
    targetY: toY,
    targetPosition: toPosition,
    curvature: 0.3,
  });
  return (
    <g>
      <path
        className={classes.line}
        d={path}
        data-refused={refused}
        data-landed={verdict?.ok === true}
      />
      {text && (
        <foreignObject x={toX + 12} y={toY + 10} width={260} height={80} className={classes.room}>
          <span className={classes.words} data-refused={refused} role="status">
            {text}
          </span>
        </foreignObject>
      )}
    </g>
  );
}
