import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFormats } from "@/ui/format";
import classes from "./Chart.module.css";
import { shorten } from "./layout";
import { seriesColor } from "./palette";
import type { ChartData } from "./series";

interface Slice {
  name: string;
  value: number;
  share: number;
  from: number;
  to: number;
  color: string;
}

const MOST_SLICES = 8;

/** The parts of a whole, the largest first; many small ones are put together. */
export function slicesOf(data: ChartData, restName: string): Slice[] {
  const sums = new Map<string, number>();
  for (const point of data.series.flatMap((series) => series.points)) {
    if (point.y > 0) sums.set(point.label, (sums.get(point.label) ?? 0) + point.y);
  }
  const sorted = [...sums].sort((a, b) => b[1] - a[1]);
  const kept = sorted.length > MOST_SLICES + 1 ? sorted.slice(0, MOST_SLICES) : sorted;
  const rest = sorted.slice(kept.length).reduce((sum, [, value]) => sum + value, 0);
  if (rest > 0) kept.push([restName, rest]);
  const total = kept.reduce((sum, [, value]) => sum + value, 0);
  let at = 0;
  return kept.map(([name, value], index) => {
    const from = at;
    at += value / total;
    const color = rest > 0 && index === kept.length - 1 ? "var(--border-2)" : seriesColor(index);
    return { name, value, share: value / total, from, to: at, color };
  });
}

function arc(slice: Slice, outer: number, inner: number): string {
  const full = slice.to - slice.from > 0.9999;
  const angle = (share: number) => (share * 2 - 0.5) * Math.PI;
  const to = full ? slice.from + 0.9999 : slice.to;
  const point = (share: number, radius: number) =>
    `${(Math.cos(angle(share)) * radius).toFixed(2)} ${(Math.sin(angle(share)) * radius).toFixed(2)}`;
  const large = to - slice.from > 0.5 ? 1 : 0;
  return (
    `M${point(slice.from, outer)}A${outer} ${outer} 0 ${large} 1 ${point(to, outer)}` +
    `L${point(to, inner)}A${inner} ${inner} 0 ${large} 0 ${point(slice.from, inner)}Z`
  );
}

interface PieProps {
  data: ChartData;
  size: { width: number; height: number };
  label: string;
}

/** A ring of shares with their names and percentages beside it. */
export function PieChart({ data, size, label }: PieProps) {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  const [near, setNear] = useState<string | null>(null);
  const slices = slicesOf(data, t("chart.rest"));
  const outer = Math.max(40, Math.min(size.height / 2 - 10, size.width / 4 - 10, 150));
  const percent = new Intl.NumberFormat(formats.locale, {
    style: "percent",
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
  const total = slices.reduce((sum, slice) => sum + slice.value, 0);
  const shown = slices.find((slice) => slice.name === near);
  return (
    <div className={classes.pie}>
      <svg
        width={outer * 2 + 8}
        height={outer * 2 + 8}
        viewBox={`${-outer - 4} ${-outer - 4} ${outer * 2 + 8} ${outer * 2 + 8}`}
        role="img"
        aria-label={label}
      >
        {slices.map((slice) => (
          <path
            key={slice.name}
            className={classes.slice}
            d={arc(slice, outer, outer * 0.58)}
            fill={slice.color}
            opacity={near === null || near === slice.name ? 1 : 0.4}
            onPointerEnter={() => setNear(slice.name)}
            onPointerLeave={() => setNear(null)}
          />
        ))}
        <text className={classes.total} textAnchor="middle" dy="0.1em">
          {formats.compact(shown?.value ?? total)}
        </text>
        <text className={classes.totalLabel} textAnchor="middle" dy="1.7em">
          {shown ? shorten(shown.name, 14) : t("chart.total")}
        </text>
      </svg>
      <ul className={classes.shares}>
        {slices.map((slice) => (
          <li
            key={slice.name}
            data-near={near === slice.name || undefined}
            onPointerEnter={() => setNear(slice.name)}
            onPointerLeave={() => setNear(null)}
          >
            <i style={{ background: slice.color }} />
            <span>{slice.name}</span>
            <b>{formats.number(slice.value, 2)}</b>
            <em>{percent.format(slice.share)}</em>
          </li>
        ))}
      </ul>
    </div>
  );
}
