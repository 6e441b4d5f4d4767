import { type PointerEvent, useMemo, useState } from "react";
import { type Formats, useFormats } from "@/ui/format";
import classes from "./Chart.module.css";
import { type Axes, layOut, placeX } from "./layout";
import { Marks } from "./Marks";
import type { ChartData, ChartSpec } from "./series";
import { Tooltip, type TooltipRow } from "./Tooltip";

interface CartesianProps {
  data: ChartData;
  colors: string[];
  spec: ChartSpec;
  size: { width: number; height: number };
  label: string;
}

/** The x values that a pointer can be near to, each with its place. */
function stops(data: ChartData, axes: Axes): { x: number; at: number; label: string }[] {
  const byX = new Map<number, { x: number; at: number; label: string }>();
  for (const series of data.series) {
    for (const { x, label } of series.points) {
      if (!byX.has(x)) byX.set(x, { x, at: placeX(axes, x), label });
    }
  }
  return [...byX.values()].sort((a, b) => a.at - b.at);
}

function nearest<T extends { at: number }>(sorted: readonly T[], at: number): T | undefined {
  let low = 0;
  let high = sorted.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle]?.at ?? 0) < at) low = middle + 1;
    else high = middle;
  }
  const right = sorted[low];
  const left = sorted[low - 1];
  if (!left || !right) return right ?? left;
  return at - left.at < right.at - at ? left : right;
}

const DATE_LENGTH = 10;

/** Days and months stand as in the data; longer times are written for people. */
function longLabel(data: ChartData, stop: { x: number; label: string }, formats: Formats): string {
  return data.xKind === "time" ? formats.moment(stop.x) : stop.label;
}

/** A chart with two axes. */
export function CartesianChart({ data, colors, spec, size, label }: CartesianProps) {
  const formats = useFormats();
  const axes = useMemo(() => layOut(data, spec, size, formats), [data, spec, size, formats]);
  const places = useMemo(() => stops(data, axes), [data, axes]);
  const [pointer, setPointer] = useState<number | null>(null);
  const stop = pointer === null ? undefined : nearest(places, pointer);

  function onMove(event: PointerEvent<SVGSVGElement>): void {
    const box = event.currentTarget.getBoundingClientRect();
    const at = event.clientX - box.left;
    setPointer(at >= axes.frame.left - 8 && at <= axes.frame.right + 8 ? at : null);
  }

  const rows: TooltipRow[] = stop
    ? data.series.flatMap((series, index) =>
        series.points
          .filter((point) => point.x === stop.x)
          .slice(0, 4)
          .map((point) => ({
            name: series.name,
            color: colors[index] ?? "var(--accent)",
            value: formats.number(point.y),
          })),
      )
    : [];

  return (
    <>
      <svg
        className={classes.svg}
        width={size.width}
        height={size.height}
        role="img"
        aria-label={label}
        onPointerMove={onMove}
        onPointerLeave={() => setPointer(null)}
      >
        <Grid axes={axes} />
        {stop && <Cursor axes={axes} at={stop.at} />}
        <Marks data={data} colors={colors} spec={spec} axes={axes} near={stop?.x ?? null} />
        <AxisLabels axes={axes} />
      </svg>
      {stop && rows.length > 0 && (
        <Tooltip
          title={stop.label.length > DATE_LENGTH ? longLabel(data, stop, formats) : stop.label}
          rows={rows}
          left={stop.at}
          width={size.width}
        />
      )}
    </>
  );
}

function Grid({ axes }: { axes: Axes }) {
  const { frame, yTicks, y } = axes;
  const zero = y.domain[0] <= 0 && y.domain[1] >= 0 ? y(0) : frame.bottom;
  return (
    <g className={classes.grid}>
      {yTicks.map(({ at }) => (
        <line key={at} x1={frame.left} x2={frame.right} y1={at} y2={at} />
      ))}
      <line className={classes.base} x1={frame.left} x2={frame.right} y1={zero} y2={zero} />
    </g>
  );
}

function Cursor({ axes, at }: { axes: Axes; at: number }) {
  const { frame, band } = axes;
  if (band) {
    return (
      <rect
        className={classes.hover}
        x={at - band.step / 2}
        width={band.step}
        y={frame.top}
        height={frame.bottom - frame.top}
      />
    );
  }
  return <line className={classes.cursor} x1={at} x2={at} y1={frame.top} y2={frame.bottom} />;
}

function AxisLabels({ axes }: { axes: Axes }) {
  const { frame, xTicks, yTicks, turned } = axes;
  return (
    <g className={classes.ticks}>
      {yTicks.map(({ at, label }) => (
        <text key={at} x={frame.left - 8} y={at} dy="0.34em" textAnchor="end">
          {label}
        </text>
      ))}
      {xTicks.map(({ at, label }) =>
        turned ? (
          <text
            key={at}
            transform={`translate(${at + 4},${frame.bottom + 12}) rotate(-38)`}
            textAnchor="end"
          >
            {label}
          </text>
        ) : (
          <text key={at} x={at} y={frame.bottom + 17} textAnchor="middle">
            {label}
          </text>
        ),
      )}
    </g>
  );
}
