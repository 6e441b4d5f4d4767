import classes from "./SignLayout.module.css";

const COLORS = ["source", "process", "ai", "control", "output", "store"];
const LEVELS = [250, 330, 410, 490, 570, 650];
/** Where each thread runs, column by column: neighbours change places as in a weave. */
const COLUMNS = [
  [0, 1, 2, 3, 4, 5],
  [1, 0, 3, 2, 5, 4],
  [1, 3, 0, 5, 2, 4],
  [3, 1, 5, 0, 4, 2],
  [3, 5, 1, 4, 0, 2],
  [5, 3, 4, 1, 2, 0],
];
const STEP = 320;
const START = -80;

function pathOf(thread: number): string {
  const levels = COLUMNS.map((order) => LEVELS[order.indexOf(thread)] ?? 0);
  return levels.reduce((path, y, column) => {
    const x = START + column * STEP;
    if (column === 0) return `M${x} ${y}`;
    const before = levels[column - 1] ?? y;
    return `${path}C${x - STEP * 0.5} ${before} ${x - STEP * 0.5} ${y} ${x} ${y}`;
  }, "");
}

/** Six threads in the colours of the node categories, woven behind the page. */
export function Threads() {
  return (
    <svg
      className={classes.threads}
      viewBox="0 0 1440 900"
      preserveAspectRatio="xMidYMid slice"
      fill="none"
      strokeWidth={2}
      strokeLinecap="round"
      aria-hidden="true"
    >
      {COLORS.map((color, thread) => (
        <path key={color} d={pathOf(thread)} stroke={`var(--${color})`} opacity={0.34} />
      ))}
    </svg>
  );
}
