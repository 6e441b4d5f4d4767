/** Ids that say what they are and that two people never choose alike. */
const ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789";
const RANDOM_LENGTH = 6;
const BASE_LENGTH = 40;

function random(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(RANDOM_LENGTH));
  return Array.from(bytes, (b) => ALPHABET[b % ALPHABET.length]).join("");
}

/** A new id such as `filter_k3f9ab`, made from a type such as `data.filter`. */
export function newId(type: string, taken: (id: string) => boolean): string {
  const last = type.split(".").pop() ?? "";
  const base = last.replace(/[^A-Za-z0-9_]/g, "_").slice(0, BASE_LENGTH) || "node";
  const start = /^[A-Za-z_]/.test(base) ? base : `_${base}`;
  let id = `${start}_${random()}`;
  while (taken(id)) id = `${start}_${random()}`;
  return id;
}
