import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { specTexts } from "@/api/catalogue";
import type { NodeSpec } from "@/api/types";
import { useProblemText } from "@/editor/problemText";
import type { FlowNode } from "@/flow/types";
import { skipReason } from "@/runs/lines";
import type { NodeRun } from "@/runs/types";
import type { CardState } from "../cardState";
import { useNodeProblem } from "../problems";
import { useCanvas } from "../state";
import { subtitleOf } from "../subtitle";
import classes from "./CardText.module.css";
import { NameInput } from "./NameInput";

/** What the node is called; while it is renamed, a field. */
export function Name({ node, spec }: { node: FlowNode; spec: NodeSpec | undefined }) {
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

export interface SecondProps {
  node: FlowNode;
  spec: NodeSpec | undefined;
  state: CardState;
  run: NodeRun;
}

/** The muted line: what the node does with its settings, or why it does nothing. */
export function Second({ node, spec, state, run }: SecondProps) {
  const { t, i18n } = useTranslation("editor");
  const { t: ofRuns } = useTranslation("runs");
  const problem = useNodeProblem(node.id);
  const said = useProblemText();
  const line = useMemo(
    () => (spec ? subtitleOf(spec, node.settings, i18n.language) : null),
    [spec, node.settings, i18n.language],
  );
  let text = line?.text ?? "";
  let tone = "plain";
  if (state === "missing") text = t("card.missing", { type: node.type });
  else if (state === "skipped" && run.reason)
    text = t("card.skippedWhy", { reason: skipReason({ reason: run.reason }, ofRuns) });
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
