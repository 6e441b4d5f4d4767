/** Finding node types by what people call them, in English and in Chinese. */
import { specTexts } from "@/api/catalogue";
import type { Category, NodeSpec } from "@/api/types";

export const CATEGORIES: Category[] = [
  "trigger",
  "source",
  "process",
  "ai",
  "control",
  "store",
  "output",
  "util",
];

const simple = (text: string): string => text.toLowerCase().normalize("NFKC").trim();

/** How well one word matches one text; 0 when it does not. */
function match(word: string, text: string, weight: number): number {
  const at = simple(text);
  if (at === word) return weight * 2;
  if (at.startsWith(word)) return weight * 1.5;
  if (at.split(/[\s._-]+/).some((part) => part.startsWith(word))) return weight * 1.2;
  return word.length > 1 && at.includes(word) ? weight : 0;
}

const CJK = /\p{Script=Han}/u;

/** Long texts count only where a word begins with what is looked for. */
function mention(word: string, text: string, weight: number): number {
  const at = simple(text);
  if (CJK.test(word)) return at.includes(word) ? weight : 0;
  if (word.length < 3) return 0;
  return at.split(/[^\p{L}\p{N}]+/u).some((part) => part.startsWith(word)) ? weight : 0;
}

function score(spec: NodeSpec, word: string, language: string): number {
  const texts = specTexts(spec, language);
  const aliases = [...(spec.aliases?.en ?? []), ...(spec.aliases?.zh ?? [])];
  return Math.max(
    match(word, texts.name, 100),
    match(word, spec.name, 90),
    match(word, spec.i18n?.zh?.title ?? "", 90),
    ...aliases.map((alias) => match(word, alias, 60)),
    match(word, spec.type, 40),
    mention(word, texts.description, 10),
    mention(word, spec.description, 8),
  );
}

const rank = (spec: NodeSpec): number => {
  const at = CATEGORIES.indexOf(spec.category);
  return at < 0 ? CATEGORIES.length : at;
};

/** The types that match every word, best first; all of them by category when nothing is asked. */
export function searchSpecs(
  specs: Iterable<NodeSpec>,
  query: string,
  language: string,
): NodeSpec[] {
  const words = simple(query).split(/\s+/).filter(Boolean);
  const named = (a: NodeSpec, b: NodeSpec) =>
    specTexts(a, language).name.localeCompare(specTexts(b, language).name, language);
  if (words.length === 0) return [...specs].sort((a, b) => rank(a) - rank(b) || named(a, b));
  const found: { spec: NodeSpec; points: number }[] = [];
  for (const spec of specs) {
    const points = words.map((word) => score(spec, word, language));
    if (points.every((p) => p > 0)) {
      found.push({ spec, points: points.reduce((sum, p) => sum + p, 0) });
    }
  }
  return found
    .sort((a, b) => b.points - a.points || rank(a.spec) - rank(b.spec) || named(a.spec, b.spec))
    .map(({ spec }) => spec);
}

/** The types under their categories, in the order of a flow. */
export function byCategory(specs: NodeSpec[]): [string, NodeSpec[]][] {
  const groups = new Map<string, NodeSpec[]>();
  for (const spec of [...specs].sort((a, b) => rank(a) - rank(b))) {
    const group = groups.get(spec.category);
    if (group) group.push(spec);
    else groups.set(spec.category, [spec]);
  }
  return [...groups];
}
