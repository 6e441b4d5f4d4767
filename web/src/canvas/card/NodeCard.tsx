import type { NodeProps } from "@xyflow/react";
import { memo, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { specTexts } from "@/api/catalogue";
import type { NodeSpec } from "@/api/types";
import { useProblemText } from "@/editor/problemText";
import { usePresence } from "@/flow/presence";
import type { FlowNode } from "@/flow/types";
import { useNodeRun } from "@/runs/store";
import type { NodeRun } from "@/runs/types";
import { CategoryTile } from "@/ui/NodeIcon";
import { type CardState, cardState, progress } from "../cardState";
import type { CardNode } from "../elements";
import { type CardPort, HEAD_HEIGHT } from "../geometry";
import { useCanEdit, useSpec } from "../hooks";
import { portAbout, portLabel } from "../portLabel";
import { useNodeProblem } from "../problems";
import { useCanvas } from "../state";
import { subtitleOf } from "../subtitle";
import { NameInput } from "./NameInput";
import classes from "./NodeCard.module.css";
import { PortDot } from "./PortDot";
import { Status } from "./Status";
import { Why } from "./Why";

/** A node on the canvas. */
export const NodeCard = memo(function NodeCard({ id, data, selected }: NodeProps<CardNode>) {
  const { node, shape, filled } = data;
  const spec = useSpec(node.type);
  const run = useNodeRun(id);
  const state = cardState(node, run, spec !== undefined);
  const who = usePresence((s) => s.selectedBy[id]);
  const canEdit = useCanEdit();
  const style = useMemo(() => (who ? { "--who": who.color } : undefined), [who]);
  return (
    <div className={classes.node} style={style as React.CSSProperties | undefined}>
      {who && <span className={classes.who}>{who.name}</span>}
      <div
        className={classes.card}
        data-testid="node-card"
        data-node-id={id}
        data-state={state}
        data-selected={selected}
        data-other={who !== undefined}
        style={{ minHeight: shape.height }}
      >
        <div className={classes.head}>
          <CategoryTile name={spec?.icon} category={spec?.category} />
          <div className={classes.text}>
            <div className={classes.first}>
              <Name node={node} spec={spec} />
              <Status id={id} run={run} state={state} />
            </div>
            <Second node={node} spec={spec} state={state} run={run} />
          </div>
        </div>
        {shape.height > HEAD_HEIGHT && <div style={{ height: shape.height - HEAD_HEIGHT }} />}
        {state === "running" && <Bar run={run} />}
        {state === "failed" && run.failure && <Why id={id} failure={run.failure} />}
      </div>
      <Dots ports={shape.inputs} side="target" {...{ id, spec, filled, canEdit }} />
      <Dots ports={shape.outputs} side="source" {...{ id, spec, filled, canEdit }} />
    </div>
  );
});

function Name({ node, spec }: { node: FlowNode; spec: NodeSpec | undefined }) {
  const { i18n } = useTranslation("editor");
  const renaming = useCanvas((s) => s.renaming === node.id);
  const title = spec ? specTexts(spec, i18n.language).name : node.type;
  if (renaming) return <NameInput node={node} placeholder={title} />;
  const name = node.name || title;
  return (
    <span className={classes.name} title={name}>
      {name}
    </span>
  );
}

interface SecondProps {
  node: FlowNode;
  spec: NodeSpec | undefined;
  state: CardState;
  run: NodeRun;
}

/** The muted line: what the node does with its settings, or why it does nothing. */
function Second({ node, spec, state, run }: SecondProps) {
  const { t, i18n } = useTranslation("editor");
  const problem = useNodeProblem(node.id);
  const said = useProblemText();
  const line = useMemo(
    () => (spec ? subtitleOf(spec, node.settings, i18n.language) : null),
    [spec, node.settings, i18n.language],
  );
  let text = line?.text ?? "";
  let tone = "plain";
  if (state === "missing") text = t("card.missing", { type: node.type });
  else if (state === "skipped" && run.reason) text = t("card.skippedWhy", { reason: run.reason });
  else if (line?.needs) {
    text = t("card.needs", { setting: line.needs });
    tone = "needs";
  }
  const title = problem ? `${text}\n${said(problem).message}` : text;
  return (
    <div className={classes.second} data-tone={tone} title={title}>
      {text}
    </div>
  );
}

/** How far the node is: a share of its work, or a bar that moves while the size is unknown. */
function Bar({ run }: { run: NodeRun }) {
  const share = progress(run);
  return (
    <div className={classes.bar} data-known={share !== null}>
      <i style={share === null ? undefined : { width: `${share * 100}%` }} />
    </div>
  );
}

interface DotsProps {
  id: string;
  ports: CardPort[];
  side: "source" | "target";
  spec: NodeSpec | undefined;
  filled: string;
  canEdit: boolean;
}

function Dots({ id, ports, side, spec, filled, canEdit }: DotsProps) {
  const { i18n } = useTranslation("editor");
  const [open, close] = side === "target" ? ["<", ">"] : ["{", "}"];
  return ports.map((port) => (
    <PortDot
      key={port.name}
      node={id}
      port={port}
      side={side}
      filled={filled.includes(`${open}${port.name}${close}`)}
      title={portAbout(spec, port.name, i18n.language)}
      label={portLabel(spec, port.name, i18n.language)}
      connectable={canEdit}
    />
  ));
}
