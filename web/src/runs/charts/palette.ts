/** Colours of series, apart from each other in both themes. */
const NAMES = [
  "accent",
  "process",
  "control",
  "store",
  "output",
  "ai",
  "source",
  "trigger",
  "util",
];

export function seriesColor(index: number): string {
  return `var(--${NAMES[index % NAMES.length]})`;
}
