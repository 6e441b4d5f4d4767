import { Button } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Failure } from "@/api/types";
import { showFailure } from "@/editor/goTo";
import { setSelection, useGraph } from "@/flow/store";
import { useFormats } from "@/ui/format";
import { categoryColor } from "@/ui/NodeIcon";
import { niceStep } from "./charts/scales";
import { useTicking } from "./clock";
import classes from "./Dock.module.css";
import { FailureBox } from "./FailureBox";
import { compare, type NodeLook, useDepths, useNodeLook } from "./nodes";
import { isActive, type NodeRun, useRun } from "./store";

interface Lane {
  look: NodeLook;
  run: NodeRun;
}

/** Nodes in the order in which they began; those that never did come last. */
function useLanes(): Lane[] {
  const nodes = useRun((run) => run.nodes);
  const look = useNodeLook();
  const depths = useDepths();
  return useMemo(() => {
    const depth = (lane: Lane) => depths.get(lane.look.id) ?? 0;
    const begun = (lane: Lane) => lane.run.startedAt ?? Number.POSITIVE_INFINITY;
    return Object.entries(nodes)
      .map(([id, run]) => ({ look: look(id), run }))
      .sort((a, b) => compare(begun(a), begun(b)) || depth(a) - depth(b));
  }, [nodes, look, depths]);
}

/** When each node of the run was at work. */
export function Timeline() {
  const { t } = useTranslation("runs");
  const state = useRun((run) => run.state);
  const startedAt = useRun((run) => run.startedAt);
  const endedAt = useRun((run) => run.endedAt);
  const failure = useRun((run) => run.failure);
  const lanes = useLanes();
  const now = useTicking(isActive(state));
  const selection = useGraph((graph) => graph.selection);
  if (state === "idle") return <div className={classes.empty}>{t("dock.nothing")}</div>;
  const start = startedAt ?? now;
  const span = Math.max(1, spanOf(lanes, start, endedAt ?? now));
  return (
    <div className={classes.pane}>
      {failure && (
        <FailureBox failure={failure}>
          {failure.node && <ShowNode id={failure.node} failure={failure} />}
        </FailureBox>
      )}
      <div className={classes.timeline} data-testid="run-timeline">
        <Scale span={span} />
        {lanes.map((lane) => (
          <LaneRow
            key={lane.look.id}
            lane={lane}
            start={start}
            span={span}
            now={endedAt ?? now}
            selected={selection.includes(lane.look.id)}
          />
        ))}
      </div>
    </div>
  );
}

function spanOf(lanes: readonly Lane[], start: number, end: number): number {
  return Math.max(end - start, ...lanes.map(({ run }) => (run.endedAt ?? start) - start));
}

function ShowNode({ id, failure }: { id: string; failure: Failure }) {
  const { t } = useTranslation("runs");
  const look = useNodeLook();
  return (
    <Button size="compact-xs" mt={6} onClick={() => showFailure(id, failure)}>
      {t("failure.show", { name: look(id).name })}
    </Button>
  );
}

function marksOf(span: number): number[] {
  const step = niceStep(span, 4);
  const marks: number[] = [];
  for (let at = 0; at <= span * 0.97; at += step) marks.push(at);
  return marks;
}

function Scale({ span }: { span: number }) {
  const formats = useFormats();
  return (
    <div className={classes.scale} aria-hidden="true">
      {marksOf(span).map((at) => (
        <span key={at} style={{ left: `${(at / span) * 100}%` }}>
          {formats.duration(at)}
        </span>
      ))}
    </div>
  );
}

interface LaneRowProps {
  lane: Lane;
  start: number;
  span: number;
  now: number;
  selected: boolean;
}

function LaneRow({ lane, start, span, now, selected }: LaneRowProps) {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  const { look, run } = lane;
  const took = run.startedAt === null ? null : (run.durationMs ?? now - run.startedAt);
  const total = Object.values(run.counts.out).reduce((sum, count) => sum + count, 0);
  const running = run.state === "running";
  const choose = () => setSelection([look.id]);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the name is a button
    // biome-ignore lint/a11y/noStaticElementInteractions: the whole lane may be clicked too
    <div
      className={classes.lane}
      data-selected={selected || undefined}
      data-node-id={look.id}
      data-state={run.state}
      onClick={choose}
    >
      <button type="button" className={classes.laneName}>
        <i style={{ background: categoryColor(look.category) }} />
        <span>{look.name}</span>
      </button>
      <span className={classes.track}>
        {marksOf(span).map((at) => (
          <u key={at} style={{ left: `${(at / span) * 100}%` }} />
        ))}
        {run.startedAt === null ? (
          <span className={classes.why}>{t(`node.${run.state}`)}</span>
        ) : (
          <i className={classes.bar} data-state={run.state} style={place(run, start, span, now)} />
        )}
      </span>
      <span className={classes.count}>{total > 0 ? formats.number(total) : ""}</span>
      <span className={classes.took} data-state={run.state}>
        {took === null ? "" : `${formats.duration(took)}${running ? "…" : ""}`}
      </span>
    </div>
  );
}

function place(run: NodeRun, start: number, span: number, now: number) {
  const from = Math.max(0, (run.startedAt ?? start) - start);
  const to = Math.max(from, (run.endedAt ?? now) - start);
  return {
    left: `min(${(from / span) * 100}%, calc(100% - 3px))`,
    width: `${((to - from) / span) * 100}%`,
  };
}
