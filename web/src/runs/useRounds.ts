import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useNodeLook } from "./nodes";
import { containerOf, type RoundWords, roundText, scopesOf } from "./scopes";

/** These run what is in them once. */
const ONCE = new Set(["control.try", "control.parallel", "control.race", "flow.call"]);
const SECTIONS = ["body", "catch", "finally"] as const;

export interface Rounds {
  /** The innermost round of an activation; nothing where there is only one. */
  round: (path: string, scope: string) => string;
  /** The same as the name of a row among others. */
  row: (path: string, scope: string) => string;
  /** Every round from the outside to an activation: `round 3 · attempt 2 › On error`. */
  place: (path: string, scope: string) => string;
}

/** The rounds of containers in words, by the path of a node and its scope. */
export function useRounds(): Rounds {
  const { t } = useTranslation("runs");
  const { t: ofSection } = useTranslation("editor");
  const look = useNodeLook();
  return useMemo(() => {
    const section = (name: string): string => {
      const known = SECTIONS.find((each) => each === name);
      return known ? ofSection(`section.${known}`) : name;
    };
    const words: RoundWords = {
      round: (index) => t("round.index", { index }),
      attempt: (number) => t("run.attempts", { count: Number(number) }),
      section,
    };
    const typeAround = (path: string, scope: string) => look(containerOf(path, scope)).type;
    const round = (path: string, scope: string) =>
      roundText(scope, words, ONCE.has(typeAround(path, scope)));
    const row = (path: string, scope: string) => {
      const only = typeAround(path, scope) === "control.try" ? section("body") : words.attempt("1");
      return round(path, scope) || only;
    };
    const place = (path: string, scope: string) =>
      scopesOf(scope)
        .map((each) => round(path, each))
        .filter(Boolean)
        .join(" › ");
    return { round, row, place };
  }, [t, ofSection, look]);
}
