import { ApiError } from "@/api/errors";
import type { Failure, Fix, JsonObject } from "@/api/types";
import { asUiLanguage } from "@/i18n";
import enErrors from "@/i18n/en/errors";
import zhEngine from "@/i18n/zh/engine";
import zhErrors from "@/i18n/zh/errors";
import { quoted } from "./marked";

export interface ErrorText {
  message: string;
  hint: string;
}

/** What happened and what to do, as sentences one after the other. */
export function inOneLine({ message, hint }: ErrorText): string {
  if (!message || !hint) return message || hint;
  const ended = /[.!?。！？…]$/.test(message) ? message : `${message}.`;
  return /[。！？]$/.test(ended) ? `${ended}${hint}` : `${ended} ${hint}`;
}

type Texts = Readonly<Record<string, string>>;
// The engine speaks English itself; its codes have texts only in the other languages.
const TEXTS: Record<"en" | "zh", Texts> = { en: enErrors, zh: { ...zhErrors, ...zhEngine } };

/** Fills a template; null when a part it needs is not known. */
function fill(template: string, params: JsonObject): string | null {
  let complete = true;
  const text = template.replace(/\{\{(\w+)\}\}/g, (_match, name: string) => {
    const value = params[name];
    if (value === undefined || value === null || typeof value === "object") complete = false;
    return String(value);
  });
  return complete ? text : null;
}

/** The first of several texts that is there and can be filled. */
function firstOf(texts: Texts, keys: readonly string[], params: JsonObject): string | null {
  for (const key of keys) {
    const template = texts[key];
    const text = template === undefined ? null : fill(template, params);
    if (text !== null) return text;
  }
  return null;
}

interface Coded {
  code: string;
  message: string;
  hint?: string;
  params?: JsonObject;
  port?: string | null;
}

/** The parts of its texts; a setting goes by what it is called, not by its key. */
function paramsOf(error: Coded, language: "en" | "zh"): JsonObject {
  const { title, title_zh: chinese, ...params } = error.params ?? {};
  const name = (language === "zh" && chinese) || title;
  return { ...(error.port && { port: error.port }), ...params, ...(name && { setting: name }) };
}

/** More exact codes first: the rule that was broken, or what is wrong with an expression. */
function keysOf(error: Coded): string[] {
  const { rule, expression_code: expression } = error.params ?? {};
  const exact = [rule, expression].filter((part) => typeof part === "string");
  return [...exact.map((part) => `${error.code}.${part}`), error.code, `${error.code}.2`];
}

/** The words for a stable code; the server's own words where there are none for it. */
export function describeCoded(error: Coded, language: string): ErrorText {
  const texts = TEXTS[asUiLanguage(language)];
  const params = paramsOf(error, asUiLanguage(language));
  const message = firstOf(texts, keysOf(error), params);
  const hints = [`${error.code}.hint`, `${error.code}.hint.2`];
  if (typeof params.rule === "string") hints.unshift(`${error.code}.hint.${params.rule}`);
  const hint = firstOf(texts, hints, params);
  // A hint in another language than the message helps nobody.
  const own = message !== null && asUiLanguage(language) !== "en" ? "" : (error.hint ?? "");
  return { message: quoted(message ?? error.message), hint: quoted(hint ?? own) };
}

export function describeFailure(failure: Failure, language: string): ErrorText {
  return describeCoded(failure, language);
}

/** What the button of a fix says. */
export function fixTitle(fix: Fix, language: string): string {
  const texts = TEXTS[asUiLanguage(language)];
  return (fix.code && firstOf(texts, [fix.code], fix.params ?? {})) || fix.title;
}

/** The words for whatever was thrown. */
export function describeError(error: unknown, language: string): ErrorText {
  if (error instanceof ApiError) return describeCoded(error, language);
  const message = error instanceof Error ? error.message : String(error);
  return { message, hint: "" };
}
