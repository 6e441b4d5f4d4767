import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import type { Label } from "@/flow/types";

/** The name of an undo step: "move 2 nodes". */
export function useStepName(): (label: Label) => string {
  const { t } = useTranslation("editor");
  return useCallback(
    ({ key, count, name }) => {
      const found = t(`step.${key}` as "step.paste", { count: count ?? 1, name: name ?? "" });
      return found.startsWith("step.") ? t("step.edit") : found;
    },
    [t],
  );
}
