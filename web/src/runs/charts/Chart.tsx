import { useElementSize } from "@mantine/hooks";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { JsonObject } from "@/api/types";
import { useFormats } from "@/ui/format";
import { CartesianChart } from "./CartesianChart";
import classes from "./Chart.module.css";
import { describeChart } from "./describe";
import { PieChart } from "./PieChart";
import { seriesColor } from "./palette";
import { type ChartSpec, chartData } from "./series";

interface ChartProps {
  rows: readonly JsonObject[];
  spec: ChartSpec;
  title?: string;
}

const MOST_SERIES = 24;

/** A chart of records: bars, lines, areas, points or a pie. */
export function Chart({ rows, spec, title = "" }: ChartProps) {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  const { ref, width, height } = useElementSize<HTMLDivElement>();
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const data = useMemo(() => chartData(rows, spec), [rows, spec]);
  const named = data.series.slice(0, MOST_SERIES).map((series, index) => ({
    ...series,
    color: seriesColor(index),
  }));
  const shown = named.filter((series) => !hidden.has(series.name));
  if (data.series.length === 0) return <p className={classes.nothing}>{t("chart.nothing")}</p>;
  const label = describeChart(data, spec, formats, t);
  const toggle = (name: string): void => {
    const next = new Set(hidden);
    if (!next.delete(name)) next.add(name);
    setHidden(next);
  };
  const isPie = spec.kind === "pie";
  return (
    <figure className={classes.figure} data-testid="output-chart" data-kind={spec.kind}>
      <div className={classes.top}>
        {title && <b className={classes.title}>{title}</b>}
        {!isPie && <Legend series={named} hidden={hidden} onToggle={toggle} />}
      </div>
      <div className={classes.plot} ref={ref}>
        {width > 60 &&
          height > 60 &&
          (isPie ? (
            <PieChart data={data} size={{ width, height }} label={label} />
          ) : (
            <CartesianChart
              data={{ ...data, series: shown }}
              colors={shown.map((series) => series.color)}
              spec={spec}
              size={{ width, height }}
              label={label}
            />
          ))}
      </div>
      {data.left_out > 0 && (
        <figcaption className={classes.caption}>
          {t("chart.left_out", { count: data.left_out })}
        </figcaption>
      )}
    </figure>
  );
}

interface LegendProps {
  series: { name: string; color: string }[];
  hidden: ReadonlySet<string>;
  onToggle: (name: string) => void;
}

function Legend({ series, hidden, onToggle }: LegendProps) {
  const only = series.length === 1 ? series[0] : undefined;
  if (only) {
    return (
      <span className={classes.legend}>
        <span className={classes.only}>
          <i style={{ background: only.color }} />
          {only.name}
        </span>
      </span>
    );
  }
  return (
    <div className={classes.legend}>
      {series.map(({ name, color }) => (
        <button
          key={name}
          type="button"
          aria-pressed={!hidden.has(name)}
          onClick={() => onToggle(name)}
        >
          <i style={{ background: color }} />
          {name}
        </button>
      ))}
    </div>
  );
}
