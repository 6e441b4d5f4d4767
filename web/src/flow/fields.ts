/**
 * What the fields of a document may hold: the same rules as `weft_server.rooms.fields`.
 *
 * Each parser takes any plain JSON and answers a value the flow model accepts, or `BAD`.
 */
import type { Json, JsonMap } from "./types";

export const BAD = Symbol("bad");
export type Parser = (given: unknown) => unknown;

const ID = /^[A-Za-z_][A-Za-z0-9_-]{0,63}$/;
const HALF = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: what counts as blank in Python.
const BLANK = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
const DEEPEST = 32;
const FARTHEST = 1e7;
const LONGEST_KEY = 200;

export function isMap(value: unknown): value is JsonMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

export const isId = (text: string): boolean => ID.test(text);

/** Length in code points, as Python counts. */
function length(text: string): number {
  let count = 0;
  for (const _ of text) count++;
  return count;
}

export const anyText: Parser = (given) =>
  typeof given === "string" && !HALF.test(given) ? given : BAD;

export function isSetting(key: string): boolean {
  const size = length(key);
  return size >= 1 && size <= LONGEST_KEY && anyText(key) !== BAD;
}

export function text(longest: number, shortest = 0): Parser {
  return (given) => {
    if (typeof given !== "string") return BAD;
    const size = length(given);
    return size >= shortest && size <= longest ? anyText(given) : BAD;
  };
}

export const line = text(200);
export const name = text(200, 1);
export const prose = text(100_000);

export const typeName: Parser = (given) => {
  const found = text(100, 1)(given);
  return typeof found === "string" && !BLANK.test(found) ? found : BAD;
};

export const oneOf =
  (...allowed: string[]): Parser =>
  (given) =>
    typeof given === "string" && allowed.includes(given) ? given : BAD;

export const mode = oneOf("batch", "streaming", "event");
export const environment = oneOf("local", "processes", "ray");
export const onError = oneOf("fail", "skip", "continue", "route");

export const boolean: Parser = (given) => (typeof given === "boolean" ? given : BAD);

/** Whether a value says nothing: null, or a number that JSON cannot write. */
export const isNull = (given: unknown): boolean =>
  given === undefined || given === null || (typeof given === "number" && !Number.isFinite(given));

/** A finite number; minus zero is zero. */
const anyNumber: Parser = (given) =>
  typeof given === "number" && Number.isFinite(given) ? given + 0 : BAD;

export function number(lowest: number, highest: number, above = false): Parser {
  return (given) => {
    const found = anyNumber(given);
    if (typeof found !== "number" || found < lowest || found > highest) return BAD;
    return above && found === lowest ? BAD : found;
  };
}

export function integer(lowest: number, highest: number): Parser {
  const within = number(lowest, highest);
  return (given) => {
    const found = within(given);
    return Number.isInteger(found) ? found : BAD;
  };
}

/** Any JSON value: whole texts, nested at most 32 deep. */
export function value(given: unknown, depth = 0): unknown {
  if (isNull(given)) return null;
  if (typeof given === "boolean") return given;
  if (typeof given === "string") return anyText(given);
  if (typeof given === "number") return anyNumber(given);
  if (depth >= DEEPEST || typeof given !== "object") return BAD;
  if (Array.isArray(given)) {
    const items = given.map((item) => value(item, depth + 1));
    return items.includes(BAD) ? BAD : items;
  }
  return object(given as JsonMap, depth);
}

function object(given: JsonMap, depth: number): unknown {
  const found: JsonMap = {};
  for (const [key, raw] of Object.entries(given)) {
    const item = value(raw, depth + 1);
    if (item === BAD || anyText(key) === BAD) return BAD;
    found[key] = item as Json;
  }
  return found;
}

export const anyValue: Parser = (given) => value(given);

/** An object of these members; others are ignored, a bad one spoils the whole. */
function record(
  required: boolean,
  parsers: Record<string, Parser>,
  defaults: Readonly<Record<string, number>> = {},
): Parser {
  return (given) => {
    if (!isMap(given)) return BAD;
    const found: Record<string, unknown> = { ...defaults };
    for (const [member, parser] of Object.entries(parsers)) {
      const raw = given[member];
      if (isNull(raw)) {
        if (required) return BAD;
        continue;
      }
      const item = parser(raw);
      if (item === BAD) return BAD;
      found[member] = item;
    }
    return found;
  };
}

const coordinate = number(-FARTHEST, FARTHEST);
const extent = number(0, 1e5, true);
export const position = record(true, { x: coordinate, y: coordinate });
export const size = record(true, { width: extent, height: extent });
export const RETRY = { max_attempts: 3, delay_s: 1, backoff: 2, max_delay_s: 60 };
export const retry = record(
  false,
  {
    max_attempts: integer(1, 100),
    delay_s: number(0, 3600),
    backoff: number(1, 10),
    max_delay_s: number(0, 86_400),
  },
  RETRY,
);
/** What a node takes of a machine when nothing else is said. */
export const RESOURCES = { cpu: 1, gpu: 0 };
export const resources = record(
  false,
  { cpu: number(0, 1024, true), gpu: number(0, 64), memory_mb: integer(1, 16_777_216) },
  RESOURCES,
);
export const checkpoint = record(
  false,
  { interval_s: number(0, 86_400, true), keep: integer(1, 100) },
  { interval_s: 10, keep: 3 },
);
