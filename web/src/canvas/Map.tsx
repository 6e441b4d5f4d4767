import { MiniMap, type MiniMapNodeProps, useStore } from "@xyflow/react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { useGraph } from "@/flow/store";
import { useRun } from "@/runs/store";
import { cardColor } from "./colors";
import { useElements } from "./elements";
import { useSpecs } from "./hooks";
import classes from "./Map.module.css";

const TOO_MANY = 2000;
const TOO_FEW = 3;
/** Where there is so little room, it would cover the flow. */
const LOW = 400;
const NARROW = 560;

/** A node on the small map, in the colour of its category or of its trouble. */
const Spot = memo(function Spot({ id, x, y, width, height }: MiniMapNodeProps) {
  const node = useGraph((s) => s.nodes[id]);
  const specs = useSpecs((s) => s.specs);
  const state = useRun((s) => s.nodes[id]?.state);
  const container = useElements((s) =>
    s.nodes.some((each) => each.id === id && each.type === "container"),
  );
  if (!node) return null;
  const fill = `var(${cardColor(node, specs, state)})`;
  if (container) {
    const style = { fill, fillOpacity: 0.14, stroke: fill, strokeWidth: 6 };
    return <rect x={x} y={y} width={width} height={height} rx={24} style={style} />;
  }
  const opacity = state === "skipped" ? 0.5 : 1;
  return <rect x={x} y={y} width={width} height={height} rx={12} style={{ fill, opacity }} />;
});

/** The whole flow in a corner; a drag or a scroll on it moves the view. */
export function FlowMap() {
  const { t } = useTranslation("editor");
  const count = useElements((s) => s.nodes.length);
  const crowded = useStore((s) => s.height < LOW || s.width < NARROW);
  if (crowded || count > TOO_MANY || count < TOO_FEW) return null;
  return (
    <MiniMap
      className={classes.map ?? ""}
      pannable
      zoomable
      nodeComponent={Spot}
      ariaLabel={t("map.label")}
      offsetScale={4}
    />
  );
}
