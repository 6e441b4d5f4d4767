import classes from "./Chart.module.css";

export interface TooltipRow {
  name: string;
  color: string;
  value: string;
}

interface TooltipProps {
  title: string;
  rows: TooltipRow[];
  left: number;
  width: number;
}

const MOST_ROWS = 12;

/** What stands at the place of the pointer, beside it. */
export function Tooltip({ title, rows, left, width }: TooltipProps) {
  const side = left > width / 2 ? { right: width - left + 14 } : { left: left + 14 };
  return (
    <div className={classes.tooltip} style={side}>
      <b>{title}</b>
      {rows.slice(0, MOST_ROWS).map((row, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: several points may share name and value
        <div key={index}>
          <i style={{ background: row.color }} />
          <span>{row.name}</span>
          <em>{row.value}</em>
        </div>
      ))}
      {rows.length > MOST_ROWS && <span>+{rows.length - MOST_ROWS}</span>}
    </div>
  );
}
