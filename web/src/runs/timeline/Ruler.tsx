import { SegmentedControl } from "@mantine/core";
import { IconArrowsHorizontal, IconRoute, IconZoomIn, IconZoomOut } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useFormats } from "@/ui/format";
import { marksOf } from "./marks";
import type { TimelineView } from "./Timeline";
import classes from "./Timeline.module.css";
import type { Span } from "./view";

interface RulerProps {
  span: Span;
  zoomed: boolean;
  critical: boolean;
  view: TimelineView;
  onView: (view: TimelineView) => void;
  onCritical: (critical: boolean) => void;
  /** By a factor; 0 shows all. */
  onZoom: (factor: number) => void;
}

const STEP = 1.6;

/** The scale over the bars, and what changes it. */
export function Ruler({ span, zoomed, critical, onCritical, onZoom, ...views }: RulerProps) {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  return (
    <div className={classes.ruler}>
      <ViewSwitch {...views} />
      <div className={classes.scale} aria-hidden="true">
        {marksOf(span).map((at) => (
          <span key={at} style={{ left: `${((at - span.from) / (span.to - span.from)) * 100}%` }}>
            {formats.duration(at)}
          </span>
        ))}
      </div>
      <div className={classes.tools}>
        <button
          type="button"
          aria-pressed={critical}
          aria-label={t("time.critical")}
          title={`${t("time.critical")}: ${t("time.criticalTip")}`}
          onClick={() => onCritical(!critical)}
        >
          <IconRoute size={15} stroke={1.7} />
        </button>
        <button
          type="button"
          aria-label={t("time.zoomOut")}
          title={`${t("time.zoomOut")} (-)`}
          disabled={!zoomed}
          onClick={() => onZoom(STEP)}
        >
          <IconZoomOut size={15} stroke={1.7} />
        </button>
        <button
          type="button"
          aria-label={t("time.fit")}
          title={`${t("time.fit")} (0)`}
          disabled={!zoomed}
          onClick={() => onZoom(0)}
        >
          <IconArrowsHorizontal size={15} stroke={1.7} />
        </button>
        <button
          type="button"
          aria-label={t("time.zoomIn")}
          title={`${t("time.zoomIn")} (+)`}
          data-testid="time-zoom-in"
          onClick={() => onZoom(1 / STEP)}
        >
          <IconZoomIn size={15} stroke={1.7} />
        </button>
      </div>
    </div>
  );
}

interface SwitchProps {
  view: TimelineView;
  onView: (view: TimelineView) => void;
}

export function ViewSwitch({ view, onView }: SwitchProps) {
  const { t } = useTranslation("runs");
  return (
    <SegmentedControl
      size="xs"
      aria-label={t("time.view")}
      data-testid="time-view"
      data={[
        { value: "chart", label: t("time.chart") },
        { value: "table", label: t("time.table") },
      ]}
      value={view}
      onChange={(value) => onView(value as TimelineView)}
    />
  );
}
