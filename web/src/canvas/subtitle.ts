/** The one line under a node's name: what it does with its settings. */
import { specTexts } from "@/api/catalogue";
import type { JsonSchema, NodeSpec } from "@/api/types";
import type { Json, JsonMap } from "@/flow/types";
import { optionLabel } from "@/settings/words";

const LONGEST = 90;
const NAMES = ["field", "name", "as", "column", "path", "title"];

/** A setting's value as a few words. */
export function words(value: Json | undefined): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value.replace(/\s+/g, " ").trim();
  if (typeof value === "boolean") return value ? "✓" : "";
  if (typeof value === "number") return String(value);
  if (Array.isArray(value)) return value.map(words).filter(Boolean).join(", ");
  return mapWords(value);
}

function mapWords(value: JsonMap): string {
  const op = typeof value.op === "string" ? value.op : "";
  const known = NAMES.find((key) => typeof value[key] === "string" && value[key] !== "");
  if (known) return op ? `${op} ${words(value[known])}` : words(value[known]);
  return op || Object.keys(value).join(", ");
}

function title(property: JsonSchema | undefined, key: string): string {
  return property?.title ?? key.replace(/_/g, " ");
}

/** What a setting is called in the reader's language. */
function settingTitle(spec: NodeSpec, key: string, language: string): string {
  const zh = language.startsWith("zh") ? spec.i18n?.zh?.settings?.[key] : undefined;
  if (typeof zh === "string") return zh;
  if (Array.isArray(zh)) return zh[0];
  return zh?.title ?? title(spec.settings.properties?.[key], key);
}

export interface Subtitle {
  text: string;
  /** A required setting that is still empty. */
  needs: string | null;
}

export function subtitleOf(spec: NodeSpec, settings: JsonMap, language: string): Subtitle {
  const properties = spec.settings.properties ?? {};
  const value = (key: string) => settings[key] ?? (properties[key]?.default as Json | undefined);
  const missing = (spec.settings.required ?? []).find(
    (key) => key !== "type" && !words(value(key)),
  );
  if (missing) return { text: "", needs: settingTitle(spec, missing, language) };
  const { subtitle, description } = specTexts(spec, language);
  const said = (key: string) => words(chosen(value(key), properties[key], language));
  const text = filled(subtitle, said) || firstSentence(description);
  return { text: text.slice(0, LONGEST), needs: null };
}

/** A choice of a list in the reader's language. */
function chosen(value: Json | undefined, schema: JsonSchema | undefined, language: string) {
  if (!schema?.enum || typeof value !== "string" || !language.startsWith("zh")) return value;
  return optionLabel(value, schema, language);
}

/** The template with its values; where one is empty, the words that belong to it go too. */
function filled(template: string, said: (key: string) => string): string {
  const [before = "", ...parts] = template.split(/\{(\w+)\}/);
  if (parts.length === 0) return before.trim();
  let text = "";
  let joint = before;
  let told = false;
  for (let i = 0; i < parts.length; i += 2) {
    const value = said(parts[i] ?? "");
    if (value !== "") {
      text += joint + value;
      told = true;
    }
    const between = parts[i + 1] ?? "";
    const last = i + 2 >= parts.length;
    joint = told && !last ? between : "";
    if (last && value !== "") text += between;
  }
  return text.replace(/\s+/g, " ").trim();
}

function firstSentence(text: string): string {
  return (/^.*?(?=[.。](\s|$)|$)/s.exec(text)?.[0] ?? "").trim();
}
