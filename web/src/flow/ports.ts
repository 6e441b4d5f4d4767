/** Port types and what fits what: the same rules as `weft_engine.nodes.fits`. */

export interface PortType {
  /** A base type, `Stream`, `list`, `Optional`, or a variable such as `T`. */
  readonly name: string;
  /** What the three wrappers hold. */
  readonly item: PortType | null;
}

export type How = "same" | "subtype" | "lift" | "collect" | "explode" | "single" | "";

/** Why not; the interface has the words. */
export type Misfit = "" | "manyToOne" | "oneToMany" | "mayBeEmpty" | "notEvery" | "not";

export interface Fit {
  ok: boolean;
  how: How;
  reason: Misfit;
}

const PARENT: Record<string, string> = {
  Html: "Text",
  Document: "Row",
  Message: "Row",
  Chunk: "Document",
  Text: "Json",
  Number: "Json",
  Bool: "Json",
  Row: "Json",
};

const VARIABLE = /^[A-Z][A-Z0-9]?$/;
const plain = (name: string): PortType => ({ name, item: null });
const JSON_TYPE = plain("Json");
const ANY = plain("Any");
const TABLE: PortType = { name: "list", item: plain("Row") };

export const isStream = (t: PortType): boolean => t.name === "Stream";
export const isList = (t: PortType): boolean => t.name === "list";
const isOptional = (t: PortType): boolean => t.name === "Optional";
export const isVariable = (t: PortType): boolean => t.item === null && VARIABLE.test(t.name);
export const inner = (t: PortType): PortType => t.item ?? t;

const cache = new Map<string, PortType>();

/** Reads `Text`, `Stream[Row]`, `list[T]`, `Optional[Text]`; what is malformed counts as `Any`. */
export function parseType(text: string): PortType {
  const known = cache.get(text);
  if (known) return known;
  const parsed = parse(text.replace(/\s+/g, ""));
  cache.set(text, parsed);
  return parsed;
}

function parse(text: string): PortType {
  const wrapped = /^(Stream|list|Optional)\[(.*)\]$/.exec(text);
  if (!wrapped) {
    if (text === "Table") return TABLE;
    return /^[A-Za-z_][A-Za-z0-9_]*$/.test(text) ? plain(text) : ANY;
  }
  const item = parse(wrapped[2] ?? "");
  const name = wrapped[1] as string;
  return name === "Optional" ? optional(item) : { name, item };
}

export const streamOf = (item: PortType): PortType =>
  isStream(item) ? item : { name: "Stream", item };
export const listOf = (item: PortType): PortType => ({ name: "list", item });
export const optional = (item: PortType): PortType =>
  isOptional(item) || item.name === "Any" ? item : { name: "Optional", item };

/** Writes a type back as text. */
export function typeText(type: PortType): string {
  if (sameType(type, TABLE)) return "Table";
  return type.item === null ? type.name : `${type.name}[${typeText(type.item)}]`;
}

function sameType(a: PortType, b: PortType): boolean {
  if (a.name !== b.name) return false;
  return a.item === null || b.item === null ? a.item === b.item : sameType(a.item, b.item);
}

function above(name: string): string[] {
  const found: string[] = [];
  for (let at = PARENT[name]; at !== undefined; at = PARENT[at]) found.push(at);
  return found;
}

const bare = (t: PortType): PortType => (isOptional(t) ? inner(t) : t);
const bareItem = (t: PortType): PortType => (isStream(t) ? inner(t) : t);

/** Whether every value of `a` is a value of `b`; a variable stands for anything. */
function isSubtype(a: PortType, b: PortType): boolean {
  if (sameType(a, b) || a.name === "Any" || b.name === "Any") return true;
  if (isVariable(a) || isVariable(b)) return true;
  if (isOptional(a)) return (isOptional(b) || b.name === "Json") && isSubtype(inner(a), b);
  if (isOptional(b)) return isSubtype(a, inner(b));
  if (isList(a)) {
    if (isList(b)) return isSubtype(inner(a), inner(b));
    return sameType(b, JSON_TYPE) && isSubtype(inner(a), JSON_TYPE);
  }
  return a.item === null && b.item === null && above(a.name).includes(b.name);
}

/** The narrowest type that takes values of both. */
export function common(a: PortType, b: PortType): PortType {
  if (sameType(a, b) || isSubtype(b, a)) return a;
  if (isSubtype(a, b)) return b;
  if (isOptional(a) || isOptional(b)) return optional(common(bare(a), bare(b)));
  if (isList(a) && isList(b)) return listOf(common(inner(a), inner(b)));
  const shared = above(a.name).find((name) => above(b.name).includes(name));
  return shared === undefined ? ANY : plain(shared);
}

const yes = (how: How): Fit => ({ ok: true, how, reason: "" });

/** Decides whether an output may be wired to an input, and what happens on the way. */
export function fits(output: string | PortType, input: string | PortType): Fit {
  const a = typeof output === "string" ? parseType(output) : output;
  const b = typeof input === "string" ? parseType(input) : input;
  return how(a, b) ?? { ok: false, how: "", reason: misfit(a, b) };
}

function how(a: PortType, b: PortType): Fit | null {
  if (isStream(a) && isStream(b)) return direct(inner(a), inner(b));
  if (isStream(a)) return fromStream(inner(a), b);
  if (isStream(b)) return toStream(a, inner(b));
  return direct(a, b);
}

function direct(a: PortType, b: PortType): Fit | null {
  if (!isSubtype(a, b)) return null;
  return yes(sameType(a, b) || isVariable(a) || isVariable(b) ? "same" : "subtype");
}

function fromStream(item: PortType, target: PortType): Fit | null {
  const wanted = bare(target);
  if (isList(wanted) && !(isList(bare(item)) && isSubtype(item, target))) {
    return isSubtype(item, inner(wanted)) ? yes("collect") : null;
  }
  return isSubtype(item, target) ? yes("lift") : null;
}

function toStream(value: PortType, item: PortType): Fit | null {
  if (isList(value) && isSubtype(inner(value), item)) return yes("explode");
  return isSubtype(value, item) ? yes("single") : null;
}

function misfit(output: PortType, target: PortType): Misfit {
  const item = bareItem(output);
  const wanted = bareItem(target);
  if (isList(output) && !isList(target) && isSubtype(inner(output), bare(target))) {
    return "manyToOne";
  }
  if (isList(target) && !isStream(output) && isSubtype(bare(output), inner(bare(target)))) {
    return "oneToMany";
  }
  if (isOptional(item) && isSubtype(inner(item), wanted)) return "mayBeEmpty";
  return isSubtype(wanted, item) ? "notEvery" : "not";
}

/** The family of a type: what colours its ports. */
export type Family = "rows" | "text" | "documents" | "vectors" | "scalars" | "files" | "any";

const FAMILIES: Record<string, Family> = {
  Row: "rows",
  Text: "text",
  Html: "text",
  Message: "text",
  Document: "documents",
  Chunk: "documents",
  Embedding: "vectors",
  Number: "scalars",
  Bool: "scalars",
  Date: "scalars",
  Image: "files",
  File: "files",
};

export function family(type: string | PortType): Family {
  let at = typeof type === "string" ? parseType(type) : type;
  while (at.item !== null) at = at.item;
  return FAMILIES[at.name] ?? "any";
}
