import classes from "./Table.module.css";

interface SparklineProps {
  bars: readonly number[];
  width?: number;
  height?: number;
}

/** A handful of bars in the head of a column. */
export function Sparkline({ bars, width = 56, height = 12 }: SparklineProps) {
  const most = Math.max(...bars, 1);
  const step = width / Math.max(bars.length, 8);
  return (
    <svg className={classes.spark} width={width} height={height} aria-hidden="true">
      {bars.map((count, index) => {
        const tall = count === 0 ? 0.5 : Math.max(1.5, (count / most) * height);
        return (
          <rect
            // biome-ignore lint/suspicious/noArrayIndexKey: a bar is its place
            key={index}
            x={index * step}
            y={height - tall}
            width={Math.max(1, step - 1)}
            height={tall}
            rx={0.5}
          />
        );
      })}
    </svg>
  );
}
