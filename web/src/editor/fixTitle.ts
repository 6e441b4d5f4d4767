import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { specTexts } from "@/api/catalogue";
import type { Fix, Op } from "@/api/types";
import { useSpecs } from "@/canvas/hooks";
import type { EdgeEnds } from "@/flow/types";
import { asUiLanguage } from "@/i18n";
import { fixTitle } from "@/ui/errorText";
import { endNow, nameNow } from "./names";

type Words = (key: string, params?: Record<string, unknown>) => string;

/** What a fix does to nodes and edges, with their names in the place of ids. */
function named({ code, patch }: Fix, language: string, words: Words): string | null {
  const op = (kind: string): Op | undefined => patch.ops.find((each) => each.op === kind);
  const ends = (found: Op | undefined) => (found ?? null) as unknown as EdgeEnds | null;
  const quote = (name: string) => words("quoted", { name });
  const between = (key: string, edge: EdgeEnds | null) =>
    edge &&
    words(key, {
      source: endNow(edge, "source", language, quote),
      target: endNow(edge, "target", language, quote),
    });
  switch (code) {
    case "fix.connect":
      return between("fix.of.connect", ends(op("add_edge")));
    case "fix.reconnect":
      return between("fix.of.reconnect", ends(op("add_edge")));
    case "fix.remove_edge":
      return between("fix.of.remove_edge", ends(op("remove_edge")));
    case "fix.route_errors":
      return words("fix.of.route_errors", {
        source: quote(nameNow(String(op("set_field")?.node ?? ""), language)),
      });
    case "fix.insert_node":
    case "fix.merge_edges": {
      const node = op("add_node")?.node as { type?: string } | undefined;
      const spec = useSpecs.getState().specs.get(node?.type ?? "");
      return spec ? words(code.replace("fix.", "fix.of."), { name: title(spec, language) }) : null;
    }
    default:
      return null;
  }
}

const title = (spec: Parameters<typeof specTexts>[0], language: string): string =>
  specTexts(spec, language).name;

/** What a fix does, in the reader's language: the server's words, or what its operations say. */
export function useFixTitle(): (fix: Fix) => string {
  const { t, i18n } = useTranslation("editor");
  return useCallback(
    (fix) => {
      const { language } = i18n;
      const words: Words = (key, params) => String(t(key as "panel.add", params ?? {}));
      const own = named(fix, language, words);
      if (own) return own;
      const told = fixTitle(fix, language);
      if (asUiLanguage(language) === "en" || told !== fix.title) return told;
      return byOperation(fix, words);
    },
    [t, i18n],
  );
}

function byOperation(fix: Fix, words: Words): string {
  const [first, ...rest] = fix.patch.ops;
  if (!first) return fix.title;
  const found = words(`fix.${first.op}`, {
    value: asText(first.value),
    path: asText(first.path),
    type: asText(first.type ?? (first.node as { type?: unknown } | null)?.type),
    port: asText(first.target_port),
  });
  if (found.startsWith("fix.")) return fix.title;
  return rest.length > 0 ? words("fix.more", { first: found }) : found;
}

function asText(value: unknown): string {
  if (Array.isArray(value)) return value.join(".");
  if (value === undefined || value === null) return "";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}
