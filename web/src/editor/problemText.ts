import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import type { Problem } from "@/api/types";
import { useGraph } from "@/flow/store";
import { describeCoded, type ErrorText } from "@/ui/errorText";
import { pathOf } from "./goTo";
import { endNow, endsOf, nameNow, portNow, settingNow } from "./names";

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
const VARIABLE = /\b[A-Z][A-Z0-9]?\b|\bAny\b/;

/** These have texts here, where nodes are called by their names; the server knows only ids. */
const NAMED = new Set([
  "check.type_mismatch",
  "check.missing_input",
  "check.unreachable",
  "check.cycle",
  "check.unknown_port",
  "check.duplicate_edge",
  "check.dangling_edge",
  "check.needs_end",
  "check.two_streams",
]);

type Words = (key: string, params: Record<string, unknown>) => string;

/** The variable parts of a problem, with names in the place of ids. */
function partsOf(problem: Problem, language: string, words: Words): Record<string, unknown> {
  const quote = (name: string) => words("quoted", { name });
  const ends = endsOf(problem.edge);
  const { params = {} } = problem;
  const list = (value: unknown, id: (text: string) => string): string =>
    (Array.isArray(value) ? value : [])
      .map((each) => quote(nameNow(id(String(each)), language)))
      .join(words("listed", {}));
  const own: Record<string, unknown> = {
    ...params,
    path: params.path ?? "",
    node: quote(nameNow(problem.node ?? "", language)),
    nodes: list(params.nodes, (id) => id),
    origins: list(params.origins, (origin) => origin.split(".")[0] ?? ""),
    times: params.count ?? 2,
  };
  if (problem.port && problem.node) own.port = portNow(problem.node, problem.port, language);
  if (ends) {
    own.source = endNow(ends, "source", language, quote);
    own.target = endNow(ends, "target", language, quote);
    const { nodes } = useGraph.getState();
    own.missing = nodes[ends.source] ? ends.target : ends.source;
  } else if (typeof params.source === "string") {
    own.source = quote(nameNow(params.source, language));
  }
  return own;
}

/** The problem with its setting called as in the form. */
function labelled(problem: Problem, language: string): Problem {
  const { node, path, params } = problem;
  if (!node || !path || params?.setting === undefined) return problem;
  const setting = settingNow(node, pathOf(path), language);
  return setting ? { ...problem, params: { ...params, setting } } : problem;
}

/** More exact than the code: one node in a circle, an output rather than an input. */
function variantOf({ code, params, edge }: Problem): string {
  if (code === "check.cycle" && (params?.nodes as string[] | undefined)?.length === 1) {
    return `${code}_self`;
  }
  if (code === "check.unknown_port") return `${code}_${params?.side ?? "input"}`;
  const ends = code.endsWith("dangling_edge") ? endsOf(edge) : null;
  if (!ends) return code;
  const { nodes } = useGraph.getState();
  if (nodes[ends.source]) return `${code}_target`;
  return nodes[ends.target] ? `${code}_source` : code;
}

function hintOf(problem: Problem, given: string, language: string, words: Words): string {
  const { code, params } = problem;
  const nearest = params?.nearest;
  if (code === "check.missing_input" && VARIABLE.test(String(params?.type))) {
    return words("problem.check.missing_input.any", {});
  }
  if (code === "check.unreachable" && typeof params?.source === "string") {
    const source = words("quoted", { name: nameNow(params.source, language) });
    return words("problem.check.unreachable.hint", { source });
  }
  if (code === "check.dangling_edge" && typeof nearest === "string") {
    return words("problem.nearest", { name: nameNow(nearest, language) });
  }
  return given;
}

/** A problem in words: those about nodes and edges have texts here, all others by their code. */
export function useProblemText(): (problem: Problem) => ErrorText {
  const { t, i18n } = useTranslation("editor");
  return useCallback(
    (problem) => {
      const { language } = i18n;
      const words: Words = (key, params) => String(t(key as "panel.add", params));
      const said = describeCoded(labelled(problem, language), language);
      const hint = hintOf(problem, said.hint, language, words);
      if (NAMED.has(problem.code) || problem.code.startsWith("document.")) {
        const key = `problem.${variantOf(problem)}`;
        const message = words(key, partsOf(problem, language, words));
        if (message !== key) return { message: sentence(message), hint };
      }
      return { message: sentence(said.message), hint };
    },
    [t, i18n],
  );
}
