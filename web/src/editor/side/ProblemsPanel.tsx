import { Button } from "@mantine/core";
import {
  IconAlertCircle,
  IconAlertTriangle,
  IconCircleCheck,
  IconInfoCircle,
} from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Fix, Problem } from "@/api/types";
import { wrappingOf } from "@/canvas/debug/LoopPreview";
import { useCanEdit } from "@/canvas/hooks";
import { useProblems } from "@/canvas/problems";
import { jumpTo } from "@/canvas/view";
import { disconnect } from "@/flow/commands";
import { applyPatch, type Patch } from "@/flow/patch";
import { setSelection, useGraph } from "@/flow/store";
import { useFixTitle } from "../fixTitle";
import { goToSetting, pathOf } from "../goTo";
import { offerLoop, previewFix } from "../loops";
import { endsOf } from "../names";
import { useProblemText } from "../problemText";
import { useNodeName } from "../useNodeName";
import classes from "./ProblemsPanel.module.css";

const SIGNS = { error: IconAlertCircle, warning: IconAlertTriangle, info: IconInfoCircle };
const RANK = { error: 0, warning: 1, info: 2 };

/** Everything that is wrong with the flow; a click goes there, a fix repairs it. */
export function ProblemsPanel() {
  const { t } = useTranslation("editor");
  const all = useProblems((s) => s.all);
  const known = useProblems((s) => s.known);
  const sorted = [...all].sort((a, b) => RANK[a.severity] - RANK[b.severity]);
  if (all.length === 0) {
    return (
      <div className={classes.none}>
        {known && <IconCircleCheck size={22} stroke={1.5} aria-hidden />}
        <p>{t(known ? "problems.none" : "problems.checking")}</p>
      </div>
    );
  }
  return (
    <ul className={classes.list}>
      {sorted.map((problem) => (
        <Item key={keyOf(problem)} problem={problem} />
      ))}
    </ul>
  );
}

const keyOf = ({ code, node, port, edge, path, message }: Problem): string =>
  JSON.stringify([code, node, port, edge, path, message]);

/** The node that a problem is about: of an edge, the one at its end that is there. */
function usePlace({ node, edge }: Problem): string | null {
  const ends = endsOf(edge);
  return useGraph(({ nodes }) => {
    const places = [node, ends?.target, ends?.source];
    return places.find((id) => id && nodes[id]) ?? null;
  });
}

function Item({ problem }: { problem: Problem }) {
  const { t } = useTranslation("editor");
  const name = useNodeName();
  const canEdit = useCanEdit();
  const fixTitle = useFixTitle();
  const { message, hint } = useProblemText()(problem);
  const Sign = SIGNS[problem.severity];
  const place = usePlace(problem);
  const circle = problem.code === "document.cycle" ? endsOf(problem.edge) : null;
  const hidden = problem.code.startsWith("document.") ? problem.edge : null;
  return (
    <li className={classes.item} data-testid="problem-item" data-code={problem.code}>
      <button type="button" className={classes.go} onClick={() => show(problem)}>
        <Sign size={15} stroke={1.7} className={classes.sign} data-severity={problem.severity} />
        <span className={classes.words}>
          {place && <b>{name(place)}</b>}
          <span className={classes.message}>{message}</span>
          {hint && <span className={classes.hint}>{hint}</span>}
        </span>
      </button>
      {canEdit && (hidden || (problem.fixes ?? []).length > 0) && (
        <div className={classes.fixes}>
          {hidden && (
            <Button size="compact-sm" onClick={() => disconnect([hidden])}>
              {t("fix.remove_edge")}
            </Button>
          )}
          {circle && (
            <Button
              size="compact-sm"
              onClick={() => void offerLoop(circle, t("preview.step"))}
              data-testid="make-loop"
            >
              {t("action.makeLoop")}
            </Button>
          )}
          {(problem.fixes ?? []).map((fix) => (
            <FixButton key={fix.title} fix={fix} title={fixTitle(fix)} />
          ))}
        </div>
      )}
    </li>
  );
}

/** A fix that makes a container is looked at before it is applied; others are applied at once. */
function FixButton({ fix, title }: { fix: Fix; title: string }) {
  const wraps = wrappingOf((fix.patch as unknown as Patch).ops) !== null;
  return (
    <Button size="compact-sm" onClick={() => previewFix(fix, title) || repair(fix, title)}>
      {wraps ? `${title}…` : title}
    </Button>
  );
}

export function repair(fix: Fix, title: string): void {
  applyPatch(fix.patch as unknown as Patch, title);
}

/** Goes to where a problem is: the node, and the setting it is about. */
function show({ node, edge, path }: Problem): void {
  const { nodes, edges } = useGraph.getState();
  if (node && nodes[node]) {
    if (path) goToSetting(node, pathOf(path));
    else jumpTo(node);
    return;
  }
  const ends = endsOf(edge);
  const known = edges.some((e) => e.id === edge);
  const end = ends && [ends.target, ends.source].find((id) => nodes[id]);
  if (!end) return;
  jumpTo(end);
  if (known && edge) setSelection([], [edge]);
}
