/** JSON as people type it, with the place of the first mistake. */
import type { Json } from "@/api/types";

export type Parsed = { ok: true; value: Json } | { ok: false; line: number; column: number };

export function parsed(text: string): Parsed {
  try {
    return { ok: true, value: JSON.parse(text) as Json };
  } catch {
    const before = text.slice(0, mistakeIn(text)).split("\n");
    return { ok: false, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
  }
}

export const written = (value: Json): string => JSON.stringify(value, null, 2) ?? "null";

const SPACE = /[ \t\n\r]*/y;
const WORD = /true|false|null/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids them in texts
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

/** Where reading stops making sense. Browsers tell it in different words, or not at all. */
function mistakeIn(text: string): number {
  let at = 0;
  const take = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found) at += found[0].length;
    return found !== null;
  };
  const skip = (): void => void take(SPACE);
  const sign = (wanted: string): boolean => {
    skip();
    if (text[at] !== wanted) return false;
    at += 1;
    return true;
  };
  const list = (end: string, item: () => boolean): boolean => {
    if (sign(end)) return true;
    do if (!item()) return false;
    while (sign(","));
    return sign(end);
  };
  const entry = (): boolean => {
    skip();
    return take(STRING) && sign(":") && value();
  };
  const value = (): boolean => {
    skip();
    if (sign("{")) return list("}", entry);
    if (sign("[")) return list("]", value);
    return take(STRING) || take(WORD) || take(NUMBER);
  };
  if (value()) skip();
  return at;
}
