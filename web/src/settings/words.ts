import type { Json, JsonSchema, NodeSpec } from "@/api/types";
import { asUiLanguage } from "@/i18n";
import enForm from "@/i18n/en/form";
import zhForm from "@/i18n/zh/form";

export interface Label {
  title: string;
  description: string;
}

/** Turns `count_distinct` into "Count distinct". */
export function humanise(name: string): string {
  const words = name
    .replace(/([a-z\d])([A-Z])/g, "$1 $2")
    .replace(/[_-]+/g, " ")
    .trim();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** The parts of a setting's path that name something: indexes are left out. */
function dotted(path: readonly (string | number)[]): string {
  return path.filter((step) => typeof step === "string").join(".");
}

function ofTranslation(text: unknown): Label | null {
  if (typeof text === "string") return { title: text, description: "" };
  if (Array.isArray(text))
    return { title: String(text[0] ?? ""), description: String(text[1] ?? "") };
  if (text && typeof text === "object") {
    const { title = "", description = "" } = text as Partial<Label>;
    return { title, description };
  }
  return null;
}

/** What a setting is called and what it does, in the reader's language. */
export function labelOf(
  spec: NodeSpec,
  path: readonly (string | number)[],
  schema: JsonSchema,
  language: string,
): Label {
  const key = String(path.findLast((step) => typeof step === "string") ?? "");
  const own: Label = {
    title: schema.title || humanise(key),
    description: (schema.description ?? "").replace(/\s*\n\s*/g, " "),
  };
  if (asUiLanguage(language) !== "zh") return own;
  const zh = ofTranslation(spec.i18n?.zh?.settings?.[dotted(path)]);
  return zh ? { title: zh.title || own.title, description: zh.description || "" } : own;
}

const OPTIONS: Record<"en" | "zh", Readonly<Record<string, string>>> = { en: enForm, zh: zhForm };
const PLAIN_WORD = /^[a-z][a-z0-9]*(?:[_ -][a-z0-9]+)*$/;

/** What a choice of an enumeration is called; codes such as utf-8 stay as they are. */
export function optionLabel(value: Json, schema: JsonSchema, language: string): string {
  const own = schema["x-labels"]?.[String(value)];
  if (own) return own;
  if (typeof value !== "string") return String(value);
  const known = OPTIONS[asUiLanguage(language)][`option.${value}`];
  if (known) return known;
  return PLAIN_WORD.test(value) && !/\d/.test(value) ? humanise(value) : value;
}
