import { useVirtualizer } from "@tanstack/react-virtual";
import { type KeyboardEvent, useCallback, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { showActivation } from "@/editor/run/debug";
import { useGraph } from "@/flow/store";
import { ownNode } from "../nodes";
import { GanttRow } from "./GanttRow";
import { Hover } from "./Hover";
import { type Act, actOf } from "./keys";
import { Ruler } from "./Ruler";
import type { Row } from "./rows";
import type { TimelineView } from "./Timeline";
import classes from "./Timeline.module.css";
import { usePanning } from "./usePanning";
import { isWhole, type Span, zoomed } from "./view";

const ROW = 24;

export interface Times {
  rows: Row[];
  /** When the run began, and its end or the present; epoch milliseconds. */
  start: number;
  end: number;
  view: TimelineView;
  onView: (view: TimelineView) => void;
}

interface GanttProps extends Times {
  opened: ReadonlySet<string>;
  onOpened: (opened: ReadonlySet<string>) => void;
}

/** The rows of a run as bars over time; only what is seen is drawn. */
export function Gantt({ rows, start, end, view, onView, opened, onOpened }: GanttProps) {
  const { t } = useTranslation("runs");
  const scroller = useRef<HTMLDivElement>(null);
  const whole = end - start;
  const [chosen, setChosen] = useState<Span | null>(null);
  const span = chosen ?? { from: 0, to: whole };
  const [critical, setCritical] = useState(true);
  const [active, setActive] = useState(0);
  const [hover, setHover] = useState<{ row: Row; x: number; y: number } | null>(null);
  const selection = useGraph((graph) => graph.selection);
  const nodes = useGraph((graph) => graph.nodes);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 12,
  });
  const show = useCallback((next: Span) => setChosen(isWhole(next, whole) ? null : next), [whole]);
  const panning = usePanning({ span, whole, show, scroller });
  const toggle = useCallback(
    (row: Row, open = !row.open) => {
      const next = new Set(opened);
      if (open) next.add(row.key);
      else next.delete(row.key);
      onOpened(next);
    },
    [opened, onOpened],
  );

  const zoom = (factor: number) => show(zoomed(span, whole, factor, (span.from + span.to) / 2));

  function perform(act: Act): void {
    if (act.do === "go") {
      setActive(act.to);
      virtual.scrollToIndex(act.to);
    } else if (act.do === "show") showActivation(act.row.path, act.row.scope);
    else if (act.do === "zoom") zoom(act.factor);
    else if (act.do === "fit") setChosen(null);
    else toggle(act.row, act.do === "open");
  }

  function key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const act = actOf(event.key, rows, active);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    perform(act);
  }

  const marked = useMemo(() => new Set(selection), [selection]);
  return (
    <div className={classes.gantt} data-testid="run-timeline" data-zoomed={chosen !== null}>
      <Ruler
        span={span}
        zoomed={chosen !== null}
        critical={critical}
        view={view}
        onView={onView}
        onCritical={setCritical}
        onZoom={(factor) => (factor === 0 ? setChosen(null) : zoom(factor))}
      />
      <div
        ref={scroller}
        className={classes.scroller}
        role="tree"
        aria-label={t("time.label")}
        aria-activedescendant={rows[active] ? `time-${active}` : undefined}
        tabIndex={0}
        onKeyDown={key}
        onPointerLeave={() => setHover(null)}
        {...panning}
      >
        <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
          {virtual.getVirtualItems().map((item) => {
            const row = rows[item.index];
            if (!row) return null;
            return (
              <GanttRow
                key={row.key}
                row={row}
                index={item.index}
                top={item.start}
                start={start}
                now={end}
                span={span}
                active={item.index === active}
                selected={marked.has(ownNode(nodes, row.path) ?? "")}
                critical={critical && row.critical}
                onActive={setActive}
                onToggle={toggle}
                onHover={setHover}
              />
            );
          })}
        </div>
      </div>
      {hover && <Hover {...hover} start={start} now={end} />}
    </div>
  );
}
