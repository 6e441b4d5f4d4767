import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { localeOf } from "@/i18n";

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const cache = new Map<string, Intl.NumberFormat>();

function numbers(locale: string, options: Intl.NumberFormatOptions = {}): Intl.NumberFormat {
  const key = `${locale}${JSON.stringify(options)}`;
  const known = cache.get(key);
  if (known) return known;
  const made = new Intl.NumberFormat(locale, options);
  cache.set(key, made);
  return made;
}

/** A grouped number with at most `digits` decimals, and at least `least`. */
export function formatNumber(value: number, locale: string, digits = 6, least = 0): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-6 || size >= 1e15)) {
    return numbers(locale, { notation: "scientific", maximumSignificantDigits: 6 }).format(value);
  }
  const decimals = { minimumFractionDigits: least, maximumFractionDigits: digits };
  return numbers(locale, decimals).format(value);
}

/** A short number for axes and badges, e.g. 12K or 1.2万. */
export function formatCompact(value: number, locale: string): string {
  if (Math.abs(value) < 10_000) return formatNumber(value, locale, 2);
  return numbers(locale, { notation: "compact", maximumFractionDigits: 1 }).format(value);
}

type Unit = "ms" | "s" | "min" | "h" | "d" | "B" | "kB" | "MB" | "GB" | "TB";

const CHINESE: Partial<Record<Unit, string>> = {
  ms: "毫秒",
  s: "秒",
  min: "分",
  h: "小时",
  d: "天",
};

function withUnit(value: number, unit: Unit, locale: string, digits = 0): string {
  const label = (locale.startsWith("zh") ? CHINESE[unit] : undefined) ?? unit;
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return `${numbers(locale, options).format(value)} ${label}`;
}

function twoUnits(ms: number, big: [number, Unit], small: [number, Unit], locale: string): string {
  const per = big[0] / small[0];
  const count = Math.round(ms / small[0]);
  const first = withUnit(Math.floor(count / per), big[1], locale);
  const rest = count % per;
  return rest === 0 ? first : `${first} ${withUnit(rest, small[1], locale)}`;
}

/** How long something took, in units that suit it: 2 ms, 1.8 s, 1 min 5 s, 2 h 10 min. */
export function formatDuration(ms: number, locale: string): string {
  const value = Math.max(0, ms);
  if (value > 0 && value < 1) return `<${withUnit(1, "ms", locale)}`;
  if (value < 999.5) return withUnit(Math.round(value), "ms", locale);
  if (value < 9_950) return withUnit(value / SECOND, "s", locale, 1);
  if (value < 59_500) return withUnit(Math.round(value / SECOND), "s", locale);
  if (value < HOUR - 500) return twoUnits(value, [MINUTE, "min"], [SECOND, "s"], locale);
  if (value < DAY - MINUTE / 2) return twoUnits(value, [HOUR, "h"], [MINUTE, "min"], locale);
  return twoUnits(value, [DAY, "d"], [HOUR, "h"], locale);
}

/** How long ago (or ahead) a time is: "3 minutes ago", "yesterday". */
export function formatRelative(time: number, now: number, locale: string): string {
  const format = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "long" });
  const diff = time - now;
  const size = Math.abs(diff);
  if (size < 45 * SECOND) return locale.startsWith("zh") ? "刚刚" : "just now";
  if (size < 59.5 * MINUTE) return format.format(Math.round(diff / MINUTE), "minute");
  if (size < 23.5 * HOUR) return format.format(Math.round(diff / HOUR), "hour");
  if (size < 6.5 * DAY) return format.format(Math.round(diff / DAY), "day");
  if (size < 27 * DAY) return format.format(Math.round(diff / (7 * DAY)), "week");
  if (size < 330 * DAY) return format.format(Math.round(diff / (30.44 * DAY)), "month");
  return format.format(Math.round(diff / (365.25 * DAY)), "year");
}

/** The exact date and time, for hovering. */
export function formatExact(time: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" }).format(time);
}

/** A moment of data, read as UTC so that it shows what the data says; midnight is a day. */
export function formatMoment(time: number, locale: string): string {
  const options: Intl.DateTimeFormatOptions =
    time % DAY === 0 ? { dateStyle: "medium" } : { dateStyle: "medium", timeStyle: "short" };
  return new Intl.DateTimeFormat(locale, { ...options, timeZone: "UTC" }).format(time);
}

/** The day alone. */
export function formatDate(time: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "medium" }).format(time);
}

/** The time of day with milliseconds, for logs. */
export function formatClock(time: number, locale: string): string {
  return new Intl.DateTimeFormat(locale, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
    fractionalSecondDigits: 3,
    hourCycle: "h23",
  }).format(time);
}

/** A size in bytes, e.g. 12 kB. */
export function formatBytes(bytes: number, locale: string): string {
  const units: Unit[] = ["B", "kB", "MB", "GB", "TB"];
  let value = bytes;
  let index = 0;
  while (value >= 1000 && index < units.length - 1) {
    value /= 1000;
    index += 1;
  }
  return withUnit(value, units[index] ?? "B", locale, index === 0 || value >= 100 ? 0 : 1);
}

export interface Formats {
  locale: string;
  number: (value: number, digits?: number, least?: number) => string;
  compact: (value: number) => string;
  duration: (ms: number) => string;
  relative: (time: number | string, now?: number) => string;
  exact: (time: number | string) => string;
  date: (time: number | string) => string;
  moment: (time: number) => string;
  clock: (time: number) => string;
  bytes: (bytes: number) => string;
}

function asTime(time: number | string): number {
  return typeof time === "number" ? time : Date.parse(time);
}

/** Numbers, times and durations in the reader's language. */
export function useFormats(): Formats {
  const { i18n } = useTranslation();
  const locale = localeOf(i18n.language);
  return useMemo(
    () => ({
      locale,
      number: (value, digits, least) => formatNumber(value, locale, digits, least),
      compact: (value) => formatCompact(value, locale),
      duration: (ms) => formatDuration(ms, locale),
      relative: (time, now = Date.now()) => formatRelative(asTime(time), now, locale),
      exact: (time) => formatExact(asTime(time), locale),
      date: (time) => formatDate(asTime(time), locale),
      moment: (time) => formatMoment(time, locale),
      clock: (time) => formatClock(time, locale),
      bytes: (bytes) => formatBytes(bytes, locale),
    }),
    [locale],
  );
}
