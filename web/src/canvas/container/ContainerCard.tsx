import { IconChevronDown } from "@tabler/icons-react";
import { type NodeProps, NodeResizeControl, ResizeControlVariant } from "@xyflow/react";
import { memo, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { setSize } from "@/flow/containers";
import { setFolded } from "@/flow/folded";
import { INSET, RAIL } from "@/flow/frames";
import { usePresence } from "@/flow/presence";
import { CategoryTile } from "@/ui/NodeIcon";
import { Bar } from "../card/Bar";
import { Name } from "../card/CardText";
import { Dots, InnerDots } from "../card/Dots";
import { Line } from "../card/Line";
import { Status } from "../card/Status";
import { cardState } from "../cardState";
import { BreakpointDot } from "../debug/BreakpointDot";
import { type ContainerNode, DRAGGED_BY } from "../elements";
import { CARD_WIDTH } from "../geometry";
import { useCanEdit, useSpec } from "../hooks";
import { useCanvas } from "../state";
import { useCardRun } from "../useCardRun";
import classes from "./ContainerCard.module.css";
import type { ContainerShape } from "./shape";

const LEAST = { width: INSET + CARD_WIDTH + RAIL, height: 140 };

/** A node that contains others: a frame with a head, and ports that face outwards and inwards. */
export const ContainerCard = memo(function ContainerCard(props: NodeProps<ContainerNode>) {
  const { id, data, selected } = props;
  const { node, shape, filled, count } = data;
  const spec = useSpec(node.type);
  const run = useCardRun(id);
  const state = cardState(node, run, spec !== undefined);
  const who = usePresence((s) => s.selectedBy[id]);
  const canEdit = useCanEdit();
  const entered = useCanvas((s) => s.dropInto === id);
  const style = useMemo(
    () => ({
      width: shape.width,
      height: shape.height,
      "--head": `${shape.head}px`,
      "--rail": `${RAIL}px`,
      "--tint": `var(--${spec?.category ?? "util"})`,
      ...(who ? { "--who": who.color } : {}),
    }),
    [shape, spec?.category, who],
  );
  return (
    <div
      className={classes.container}
      style={style as React.CSSProperties}
      data-testid="container-card"
      data-node-id={id}
      data-state={state}
      data-selected={selected}
      data-other={who !== undefined}
      data-entered={entered}
    >
      {who && <span className={classes.who}>{who.name}</span>}
      <BreakpointDot id={id} />
      <div
        className={`${DRAGGED_BY} ${classes.head}`}
        data-testid="container-head"
        data-labelled={shape.outputs.length > 1}
      >
        <Fold id={id} name={node.name ?? spec?.name ?? node.type} />
        <CategoryTile name={spec?.icon} category={spec?.category} small />
        <div className={classes.words}>
          <Name node={node} spec={spec} />
          <Line node={node} spec={spec} state={state} run={run} />
        </div>
        <Status id={id} run={run} state={state} counted />
      </div>
      <Bands shape={shape} />
      {count === 0 && <Empty shape={shape} />}
      {state === "running" && <Bar run={run} />}
      <Dots ports={shape.inputs} side="target" {...{ id, spec, filled, canEdit }} />
      <Dots ports={shape.outputs} side="source" {...{ id, spec, filled, canEdit }} />
      <InnerDots ports={shape.starts} side="source" {...{ id, spec, filled, canEdit }} />
      <InnerDots ports={shape.ends} side="target" {...{ id, spec, filled, canEdit }} />
      {selected && canEdit && <Grip id={id} sized={node.size !== undefined} />}
    </div>
  );
});

/** Shows the container as a card. */
function Fold({ id, name }: { id: string; name: string }) {
  const { t } = useTranslation("editor");
  return (
    <button
      type="button"
      className={`nodrag ${classes.fold}`}
      aria-expanded
      aria-label={t("container.fold", { name })}
      title={t("container.fold", { name })}
      data-testid="container-fold"
      onClick={(event) => {
        event.stopPropagation();
        setFolded([id], true);
      }}
    >
      <IconChevronDown size={14} stroke={2} />
    </button>
  );
}

/** The sections, one below the other; a single one needs no name. */
function Bands({ shape }: { shape: ContainerShape }) {
  const { t } = useTranslation("editor");
  const several = shape.bands.length > 1;
  return shape.bands.map(({ section, y, height }) => (
    <div
      key={section}
      className={classes.band}
      style={{ top: y, height }}
      data-section={section}
      data-several={several}
    >
      {several && (
        <span>{t(`section.${section}` as "section.body", { defaultValue: section })}</span>
      )}
    </div>
  ));
}

function Empty({ shape }: { shape: ContainerShape }) {
  const { t } = useTranslation("editor");
  const band = shape.bands[0];
  if (!band) return null;
  return (
    <p className={classes.empty} style={{ top: band.y, height: band.height }}>
      {t("container.empty")}
    </p>
  );
}

/** The corner by which the frame is made larger; a double click fits it to what lies in it. */
function Grip({ id, sized }: { id: string; sized: boolean }) {
  const { t } = useTranslation("editor");
  return (
    <NodeResizeControl
      variant={ResizeControlVariant.Handle}
      position="bottom-right"
      minWidth={LEAST.width}
      minHeight={LEAST.height}
      className={classes.grip ?? ""}
    >
      {/* biome-ignore lint/a11y/noStaticElementInteractions: a corner to drag; the menu has what the keys need. */}
      <span
        title={t(sized ? "container.fit" : "container.resize")}
        onDoubleClick={(event) => {
          event.stopPropagation();
          setSize(id, null);
        }}
      />
    </NodeResizeControl>
  );
}
