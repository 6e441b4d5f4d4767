import { memo } from "react";
import classes from "./Chart.module.css";
import { type Axes, isStacked, placeX } from "./layout";
import { thin } from "./scales";
import { type ChartData, type ChartSpec, type Point, type Series, stack } from "./series";

interface MarksProps {
  data: ChartData;
  colors: string[];
  spec: ChartSpec;
  axes: Axes;
  /** The x value the pointer is near to. */
  near: number | null;
}

const MOST_POINTS = 2_000;
const MOST_DOTS = 6_000;
const DOTS_UP_TO = 60;

/** What a chart draws between its axes. */
export const Marks = memo(function Marks(props: MarksProps) {
  switch (props.spec.kind) {
    case "bar":
      return <Bars {...props} />;
    case "scatter":
      return <Dots {...props} />;
    default:
      return <Lines {...props} filled={props.spec.kind === "area"} />;
  }
});

/** A bar with round corners at the end that is away from the base line. */
function barPath(x: number, width: number, base: number, end: number): string {
  const radius = Math.min(3, width / 2, Math.abs(base - end));
  const toward = end < base ? radius : -radius;
  return (
    `M${x} ${base}V${end + toward}Q${x} ${end} ${x + radius} ${end}` +
    `H${x + width - radius}Q${x + width} ${end} ${x + width} ${end + toward}V${base}Z`
  );
}

function Bars({ data, colors, spec, axes }: MarksProps) {
  const { band, y } = axes;
  if (!band) return null;
  const stacked = isStacked(spec);
  const parts = stacked
    ? stack(data.series)
    : data.series.map((each) => each.points.map((point) => ({ from: 0, to: point.y, point })));
  const lanes = stacked ? 1 : data.series.length;
  const lane = Math.min(band.width / lanes, 64);
  const start = (band.width - lane * lanes) / 2;
  const gap = lanes > 1 && lane > 6 ? 2 : 0;
  return (
    <g>
      {parts.map((points, index) => (
        <path
          key={data.series[index]?.name}
          fill={colors[index]}
          d={points
            .map(({ from, to, point }) => {
              const x = band(point.x) + start + (stacked ? 0 : index * lane);
              return barPath(x, Math.max(1, lane - gap), y(from), y(to));
            })
            .join("")}
        />
      ))}
    </g>
  );
}

function linePath(points: readonly { x: number; y: number }[]): string {
  return points
    .map(({ x, y }, index) => `${index === 0 ? "M" : "L"}${x.toFixed(1)} ${y.toFixed(1)}`)
    .join("");
}

interface Placed {
  x: number;
  y: number;
  base: number;
  point: Point;
}

function placed(series: readonly Series[], spec: ChartSpec, axes: Axes): Placed[][] {
  const parts = isStacked(spec)
    ? stack(series)
    : series.map((each) => each.points.map((point) => ({ from: 0, to: point.y, point })));
  return parts.map((points) =>
    thin(
      points.map((part) => ({ ...part, y: part.to })),
      MOST_POINTS,
    ).map(({ from, to, point }) => ({
      x: placeX(axes, point.x),
      y: axes.y(to),
      base: axes.y(Math.max(axes.y.domain[0], Math.min(axes.y.domain[1], from))),
      point,
    })),
  );
}

function Lines({ data, colors, spec, axes, near, filled }: MarksProps & { filled: boolean }) {
  const lines = placed(data.series, spec, axes);
  return (
    <g>
      {lines.map((points, index) => {
        const color = colors[index] ?? "var(--accent)";
        const back = [...points].reverse().map(({ x, base }) => ({ x, y: base }));
        const dots = points.filter(
          ({ point }) => point.x === near || (points.length <= DOTS_UP_TO && !filled),
        );
        return (
          <g key={data.series[index]?.name}>
            {filled && points.length > 0 && (
              <path
                d={`${linePath(points)}${linePath(back).replace("M", "L")}Z`}
                fill={color}
                opacity={isStacked(spec) ? 0.55 : 0.16}
              />
            )}
            <path className={classes.line} d={linePath(points)} stroke={color} />
            {dots.map(({ x, y, point }) => (
              <circle
                key={`${point.x},${point.y}`}
                className={classes.dot}
                cx={x}
                cy={y}
                r={point.x === near ? 4.5 : 2.8}
                fill={color}
              />
            ))}
          </g>
        );
      })}
    </g>
  );
}

function Dots({ data, colors, axes }: MarksProps) {
  const total = data.series.reduce((sum, each) => sum + each.points.length, 0);
  const every = Math.max(1, Math.ceil(total / MOST_DOTS));
  return (
    <g>
      {data.series.map((each, index) => (
        <path
          key={each.name}
          fill={colors[index]}
          opacity={0.72}
          d={each.points
            .filter((_, at) => at % every === 0)
            .map((point) => {
              const x = placeX(axes, point.x);
              const y = axes.y(point.y);
              return `M${x - 3.5} ${y}a3.5 3.5 0 1 0 7 0a3.5 3.5 0 1 0 -7 0`;
            })
            .join("")}
        />
      ))}
    </g>
  );
}
