import { describe, expect, it } from "vitest";
import {
  formatBytes,
  formatClock,
  formatCompact,
  formatDuration,
  formatMoment,
  formatNumber,
  formatRelative,
} from "./format";

describe("formatDuration", () => {
  it.each([
    [0, "0 ms", "0 毫秒"],
    [0.4, "<1 ms", "<1 毫秒"],
    [2, "2 ms", "2 毫秒"],
    [999, "999 ms", "999 毫秒"],
    [999.6, "1.0 s", "1.0 秒"],
    [1_800, "1.8 s", "1.8 秒"],
    [9_949, "9.9 s", "9.9 秒"],
    [12_400, "12 s", "12 秒"],
    [59_600, "1 min", "1 分"],
    [65_000, "1 min 5 s", "1 分 5 秒"],
    [7_800_000, "2 h 10 min", "2 小时 10 分"],
    [90_000_000, "1 d 1 h", "1 天 1 小时"],
    [-5, "0 ms", "0 毫秒"],
  ])("%d ms", (ms, english, chinese) => {
    expect(formatDuration(ms, "en")).toBe(english);
    expect(formatDuration(ms, "zh-CN")).toBe(chinese);
  });
});

describe("formatNumber", () => {
  it.each([
    [1234567, "1,234,567"],
    [0.1 + 0.2, "0.3"],
    [-12.5, "-12.5"],
    [0, "0"],
    [1e21, "1E21"],
    [1e-9, "1E-9"],
    [Number.NaN, "NaN"],
    [Number.POSITIVE_INFINITY, "∞"],
  ])("%d", (value, text) => {
    expect(formatNumber(value, "en")).toBe(text);
  });

  it("shortens large numbers in the reader's way", () => {
    expect(formatCompact(9_999, "en")).toBe("9,999");
    expect(formatCompact(12_345, "en")).toBe("12.3K");
    expect(formatCompact(12_345, "zh-CN")).toBe("1.2万");
  });
});

describe("formatRelative", () => {
  const now = Date.UTC(2026, 4, 20, 12);
  const minute = 60_000;
  it.each([
    [20_000, "just now", "刚刚"],
    [3 * minute, "3 minutes ago", "3分钟前"],
    [60 * minute, "1 hour ago", "1小时前"],
    [24 * 60 * minute, "yesterday", "昨天"],
    [9 * 24 * 60 * minute, "last week", "上周"],
    [400 * 24 * 60 * minute, "last year", "去年"],
  ])("%d ms ago", (ago, english, chinese) => {
    expect(formatRelative(now - ago, now, "en")).toBe(english);
    expect(formatRelative(now - ago, now, "zh-CN")).toBe(chinese);
  });
});

it("gives sizes decimal units", () => {
  expect(formatBytes(999, "en")).toBe("999 B");
  expect(formatBytes(12_340, "en")).toBe("12.3 kB");
  expect(formatBytes(123_400_000, "en")).toBe("123 MB");
});

it("shows moments of data as the data says them", () => {
  expect(formatMoment(Date.UTC(2024, 0, 31), "en")).toBe("Jan 31, 2024");
  expect(formatMoment(Date.UTC(2024, 0, 31, 8, 30), "en")).toMatch(/^Jan 31, 2024.*8:30/);
});

it("shows the time of day with milliseconds", () => {
  const time = new Date(2026, 0, 2, 3, 4, 5, 678).getTime();
  expect(formatClock(time, "en")).toBe("03:04:05.678");
});
