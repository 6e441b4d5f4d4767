import { IconChevronRight } from "@tabler/icons-react";
import { memo } from "react";
import { useTranslation } from "react-i18next";
import { showActivation } from "@/editor/run/debug";
import { useFormats } from "@/ui/format";
import { categoryColor } from "@/ui/NodeIcon";
import { useNodeLook } from "../nodes";
import { useRounds } from "../useRounds";
import { marksOf } from "./marks";
import type { Row } from "./rows";
import { type Segment, segmentsOf } from "./segments";
import classes from "./Timeline.module.css";
import type { Span } from "./view";

interface GanttRowProps {
  row: Row;
  index: number;
  top: number;
  start: number;
  now: number;
  span: Span;
  active: boolean;
  selected: boolean;
  critical: boolean;
  onActive: (index: number) => void;
  onToggle: (row: Row) => void;
  onHover: (hover: { row: Row; x: number; y: number } | null) => void;
}

/** One node, or one round of a container, with its bar. */
export const GanttRow = memo(function GanttRow(props: GanttRowProps) {
  const { row, index, top, start, now, span, active, selected, critical } = props;
  const { t } = useTranslation("runs");
  const look = useNodeLook()(row.path);
  const rounds = useRounds();
  const name = row.round === null ? look.name : rounds.row(row.path, row.round);
  const said = useSaid(row, name, now);
  if (row.untold > 0) return <Untold row={row} top={top} />;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the tree has the keys
    <div
      id={`time-${index}`}
      role="treeitem"
      tabIndex={-1}
      aria-label={said}
      aria-level={row.level}
      aria-expanded={row.open ?? undefined}
      aria-selected={selected}
      className={classes.row}
      style={{ top }}
      data-active={active}
      data-selected={selected}
      data-critical={critical}
      data-state={row.state}
      data-restored={row.activation?.restored}
      data-node-id={row.path}
      data-scope={row.scope}
      onClick={() => {
        props.onActive(index);
        showActivation(row.path, row.scope);
      }}
    >
      <span className={classes.name} style={{ paddingLeft: 6 + (row.level - 1) * 14 }}>
        {row.open === null ? (
          <i className={classes.leaf} />
        ) : (
          <button
            type="button"
            tabIndex={-1}
            className={classes.twist}
            data-open={row.open}
            aria-label={t(row.open ? "time.close" : "time.open", { name })}
            onClick={(event) => {
              event.stopPropagation();
              props.onToggle(row);
            }}
          >
            <IconChevronRight size={13} stroke={2} />
          </button>
        )}
        {row.round === null && (
          <i className={classes.color} style={{ background: categoryColor(look.category) }} />
        )}
        <span className={classes.label} data-round={row.round !== null}>
          {name}
        </span>
        <Rounds row={row} />
      </span>
      <span
        className={classes.track}
        data-track
        onPointerMove={(event) => props.onHover({ row, x: event.clientX, y: event.clientY })}
        onPointerLeave={() => props.onHover(null)}
      >
        <Marks span={span} />
        {row.from === null ? (
          <span className={classes.why}>{t(`node.${row.state}`)}</span>
        ) : (
          segmentsOf(row, now).map((part) => (
            <Bar key={`${part.part}${part.from}`} part={part} row={row} start={start} span={span} />
          ))
        )}
      </span>
      <Facts row={row} now={now} />
    </div>
  );
});

/** The row in one line, for those who hear it. */
function useSaid(row: Row, name: string, now: number): string {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  const took = tookOf(row, now);
  const state = row.activation?.restored ? t("time.restored") : t(`node.${row.state}`);
  const parts = [name, state, took === null ? "" : formats.duration(took)];
  return parts.filter(Boolean).join(", ");
}

const tookOf = ({ activation, from, to }: Row, now: number): number | null =>
  from === null ? null : (activation?.durationMs ?? (to ?? now) - from);

function Untold({ row, top }: { row: Row; top: number }) {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  return (
    <div
      role="treeitem"
      tabIndex={-1}
      aria-level={row.level}
      className={classes.row}
      style={{ top }}
    >
      <span className={classes.untold} style={{ paddingLeft: 26 + (row.level - 1) * 14 }}>
        {t("time.untold", { count: row.untold, shown: formats.number(row.untold) })}
      </span>
    </div>
  );
}

function Rounds({ row: { rounds } }: { row: Row }) {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  if (!rounds) return null;
  const { done, failed, count } = rounds;
  const text =
    done < count ? `${formats.number(done)}/${formats.number(count)}` : `×${formats.number(count)}`;
  return (
    <em className={classes.rounds} title={t("time.rounds", { done: formats.number(done), count })}>
      {text}
      {failed > 0 && <b>{t("time.failed", { count: failed })}</b>}
    </em>
  );
}

function Marks({ span }: { span: Span }) {
  return marksOf(span).map((at) => (
    <u key={at} style={{ left: `${((at - span.from) / (span.to - span.from)) * 100}%` }} />
  ));
}

interface BarProps {
  part: Segment;
  row: Row;
  start: number;
  span: Span;
}

function Bar({ part, row, start, span }: BarProps) {
  const length = span.to - span.from;
  const left = ((part.from - start - span.from) / length) * 100;
  const width = ((part.to - part.from) / length) * 100;
  if (left > 100 || left + width < 0) return null;
  const style = {
    left: `min(${Math.max(-1, left)}%, calc(100% - 3px))`,
    width: `${Math.min(102, left < -1 ? width + left + 1 : width)}%`,
  };
  return <i className={classes.bar} data-part={part.part} data-state={row.state} style={style} />;
}

function Facts({ row, now }: { row: Row; now: number }) {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  const { activation, state } = row;
  const took = tookOf(row, now);
  const attempts = activation?.attempts ?? 1;
  return (
    <span className={classes.facts} data-state={state}>
      {activation?.restored && <em title={t("time.restoredText")}>{t("time.restored")}</em>}
      {attempts > 1 && <em>{t("run.attempts", { count: attempts })}</em>}
      {activation && activation.out > 0 && <em>{formats.compact(activation.out)}</em>}
      <b>
        {took !== null && state === "running" && <span>{t("node.running")}</span>}
        {took === null ? "" : formats.duration(took)}
      </b>
    </span>
  );
}
