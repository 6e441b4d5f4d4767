import type { TFunction } from "i18next";
import type { Formats } from "@/ui/format";
import type { ChartData, ChartSpec } from "./series";

/** A chart in one sentence, for those who do not see it. */
export function describeChart(
  data: ChartData,
  spec: ChartSpec,
  formats: Formats,
  t: TFunction<"runs">,
): string {
  const points = data.series.flatMap((series) => series.points);
  const first = points[0];
  if (!first) return t("chart.nothing");
  let low = first;
  let high = first;
  for (const point of points) {
    if (point.y < low.y) low = point;
    if (point.y > high.y) high = point;
  }
  return t("chart.description", {
    kind: t(`chart.${spec.kind}`),
    y: spec.y.join(", "),
    x: spec.x,
    count: points.length,
    high: formats.number(high.y),
    highAt: high.label,
    low: formats.number(low.y),
    lowAt: low.label,
  });
}
