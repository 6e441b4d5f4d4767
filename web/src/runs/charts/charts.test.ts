import { describe, expect, it } from "vitest";
import { bandScale, linearScale, niceStep, niceTicks, thin, timeTicks } from "./scales";
import type { ChartSpec } from "./series";
import { chartData, specOf, stack, timeOfText } from "./series";

describe("ticks", () => {
  it.each([
    [10, 5, 2],
    [97, 5, 20],
    [0.9, 4, 0.5],
    [1_200_000, 6, 200_000],
    [0, 5, 1],
  ])("a span of %d in about %d steps goes by %d", (span, count, step) => {
    expect(niceStep(span, count)).toBe(step);
  });

  it("are round and cover the values", () => {
    expect(niceTicks(3, 97, 5)).toEqual([0, 20, 40, 60, 80, 100]);
    expect(niceTicks(-0.3, 0.31, 4)).toEqual([-0.4, -0.2, 0, 0.2, 0.4]);
  });

  it("make room around a single value", () => {
    const ticks = niceTicks(5, 5, 4);
    expect(ticks[0]).toBeLessThan(5);
    expect(ticks.at(-1)).toBeGreaterThan(5);
  });

  it("of times begin where hours, days and months do", () => {
    const day = Date.UTC(2026, 0, 1);
    const hours = timeTicks(day + 1, day + 86_400_000, 6).map((t) => new Date(t).getUTCHours());
    expect(hours).toEqual([6, 12, 18, 0]);
    const months = timeTicks(day, Date.UTC(2026, 11, 31), 6).map((t) => new Date(t).getUTCDate());
    expect(new Set(months)).toEqual(new Set([1]));
  });
});

describe("scales", () => {
  it("reach to nought for bars", () => {
    const scale = linearScale([20, 30], [100, 0], { zero: true });
    expect(scale(0)).toBe(100);
    expect(scale.domain[0]).toBe(0);
  });

  it("leave gaps between categories", () => {
    const band = bandScale(4, [0, 100], 0.2);
    expect(band.step).toBe(25);
    expect(band.width).toBe(20);
    expect(band(1)).toBe(27.5);
  });

  it("keep the peaks of a thinned line", () => {
    const points = Array.from({ length: 10_000 }, (_, x) => ({ x, y: x === 5_000 ? 99 : x % 3 }));
    const kept = thin(points, 200);
    expect(kept.length).toBeLessThanOrEqual(210);
    expect(kept.some((point) => point.y === 99)).toBe(true);
  });
});

const SPEC: ChartSpec = { kind: "bar", x: "month", y: ["sum"], series: null, stacked: false };

describe("series", () => {
  const rows = [
    { month: "2024-02", region: "North", sum: 5 },
    { month: "2024-01", region: "North", sum: 3 },
    { month: "2024-02", region: "South", sum: 7 },
    { month: "2024-01", region: "South", sum: null },
  ];

  it("keep categories in the order of the records", () => {
    const data = chartData(rows, SPEC);
    expect(data.categories).toEqual(["2024-02", "2024-01"]);
    expect(data.left_out).toBe(1);
  });

  it("are made of a column's values", () => {
    const data = chartData(rows, { ...SPEC, series: "region" });
    expect(data.series.map((each) => each.name)).toEqual(["North", "South"]);
  });

  it("are sorted by time when lines are drawn", () => {
    const data = chartData(rows, { ...SPEC, kind: "line" });
    expect(data.xKind).toBe("time");
    const xs = data.series[0]?.points.map((point) => point.x) ?? [];
    expect(xs).toEqual([...xs].sort((a, b) => a - b));
  });

  it("stand on each other when stacked, below nought apart", () => {
    const point = (x: number, y: number) => ({ x, y, label: "" });
    const parts = stack([
      { name: "a", points: [point(0, 2), point(1, -1)] },
      { name: "b", points: [point(0, 3), point(1, -2)] },
    ]);
    expect(parts[1]?.map(({ from, to }) => [from, to])).toEqual([
      [2, 5],
      [-1, -3],
    ]);
  });
});

describe("the columns of a chart", () => {
  const rows = [{ name: "a", amount: 2, other: 3 }];

  it("are those of the settings", () => {
    const settings = { kind: "line", x: "name", y: ["other", "amount"], series: "", stacked: true };
    expect(specOf(settings, rows)).toEqual({
      kind: "line",
      x: "name",
      y: ["other", "amount"],
      series: null,
      stacked: true,
    });
  });

  it("are guessed when the settings are silent", () => {
    expect(specOf({}, rows)).toMatchObject({ kind: "bar", x: "name", y: ["amount"] });
    expect(specOf({ kind: "scatter" }, rows)).toMatchObject({ x: "amount", y: ["other"] });
  });
});

it.each([
  ["2024-01-31", true],
  ["2024-01", true],
  ["2024-01-31T08:00:00Z", true],
  ["2024-01-31 08:00", true],
  ["12", false],
  ["January", false],
  ["2024-13-45", false],
])("%s is a date: %s", (text, isDate) => {
  expect(timeOfText(text) !== null).toBe(isDate);
});
