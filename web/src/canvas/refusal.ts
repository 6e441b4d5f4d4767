import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import type { Verdict } from "@/flow/wiring";

/** Why a connection is refused, in words. */
export function useRefusal(): (
  verdict: Pick<Verdict, "refusal" | "misfit" | "output" | "input">,
) => string {
  const { t } = useTranslation("editor");
  return useCallback(
    ({ refusal, misfit, output = "", input = "" }) => {
      if (refusal === "type") return t(`misfit.${misfit || "not"}`, { output, input });
      return refusal ? t(`refusal.${refusal}`) : "";
    },
    [t],
  );
}
