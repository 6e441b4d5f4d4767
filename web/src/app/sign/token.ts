/** The token in a link's hash, e.g. `#token=abc`, or in pasted text. */
export function tokenOf(text: string): string {
  const trimmed = text.trim();
  const match = /token=([^&#\s]+)/.exec(trimmed);
  if (match?.[1]) return decodeURIComponent(match[1]);
  const hash = trimmed.startsWith("#") ? trimmed.slice(1) : trimmed;
  return /^[\w.~-]+$/.test(hash) ? hash : "";
}

const taken = new Map<string, string>();

/** Takes the token out of the address, so that it is not left in the history. */
export function takeToken(): string {
  const { hash, pathname } = window.location;
  const token = tokenOf(hash);
  if (token) {
    taken.set(pathname, token);
    window.history.replaceState(null, "", pathname);
  }
  return token || (taken.get(pathname) ?? "");
}
