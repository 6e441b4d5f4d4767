/** Key combinations: written once as `mod+shift+z`, matched and shown per platform. */

export interface Keys {
  mod: boolean;
  shift: boolean;
  alt: boolean;
  key: string;
}

const NAMES: Record<string, string> = {
  delete: "Del",
  backspace: "⌫",
  escape: "Esc",
  enter: "↵",
  tab: "Tab",
  arrowup: "↑",
  arrowdown: "↓",
  arrowleft: "←",
  arrowright: "→",
  space: "Space",
};

export const isMac = (): boolean =>
  /mac|iphone|ipad/i.test(navigator.platform || navigator.userAgent);

export function parseKeys(text: string): Keys {
  const parts = text.split("+");
  // "+" and "mod++" are about the plus key itself.
  const key = text.endsWith("+") ? "+" : (parts.at(-1) ?? "");
  const has = (name: string) => parts.slice(0, -1).includes(name);
  return { mod: has("mod"), shift: has("shift"), alt: has("alt"), key };
}

/** The letter or digit of a key, whatever the keyboard's layout writes with it. */
function keyOf(event: KeyboardEvent): string {
  const key = event.key === " " ? "space" : event.key.toLowerCase();
  if (key.length > 1 || /^[\x21-\x7e]$/.test(key)) return event.altKey ? physical(event, key) : key;
  return physical(event, key);
}

function physical(event: KeyboardEvent, otherwise: string): string {
  const found = /^(?:Key([A-Z])|Digit(\d))$/.exec(event.code);
  return (found?.[1] ?? found?.[2] ?? otherwise).toLowerCase();
}

const isLetter = (key: string): boolean => /^[a-z]$/.test(key) || key.length > 1;

export function matches(event: KeyboardEvent, text: string): boolean {
  const keys = parseKeys(text);
  const mod = isMac() ? event.metaKey : event.ctrlKey;
  const other = isMac() ? event.ctrlKey : event.metaKey;
  if (mod !== keys.mod || other || event.altKey !== keys.alt) return false;
  if (keyOf(event) !== keys.key) return false;
  // Which key "?" or "+" is on, and whether it needs Shift, is the layout's business.
  return !isLetter(keys.key) || event.shiftKey === keys.shift;
}

/** The combination as keycaps, e.g. ["⌘", "⇧", "Z"] or ["Ctrl", "Shift", "Z"]. */
export function caps(text: string): string[] {
  const { mod, shift, alt, key } = parseKeys(text);
  const mac = isMac();
  const found: string[] = [];
  if (mod) found.push(mac ? "⌘" : "Ctrl");
  if (alt) found.push(mac ? "⌥" : "Alt");
  if (shift) found.push(mac ? "⇧" : "Shift");
  found.push(NAMES[key] ?? (/^(.|f\d+)$/.test(key) ? key.toUpperCase() : key));
  return found;
}

export const capsText = (text: string): string => caps(text).join(isMac() ? "" : "+");

/** The form `aria-keyshortcuts` wants. */
export function ariaKeys(text: string): string {
  const { mod, shift, alt, key } = parseKeys(text);
  const parts = [mod && (isMac() ? "Meta" : "Control"), alt && "Alt", shift && "Shift", key];
  return parts.filter(Boolean).join("+");
}
