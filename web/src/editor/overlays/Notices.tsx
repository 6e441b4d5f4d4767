import type { TFunction } from "i18next";
import { useCallback, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useRefusal } from "@/canvas/refusal";
import type { Misfit } from "@/flow/ports";
import { type Notice, notices } from "@/flow/session";
import { notify } from "@/ui/notify";
import { offerLoop } from "../loops";

const QUICK_MS = 2600;
const LONG_MS = 8000;

/** Finds the words for what the flow has to say. */
function useWords(): (notice: Notice) => string {
  const { t } = useTranslation("editor");
  const refusal = useRefusal();
  return useCallback(
    ({ key, params = {} }) => {
      const text = (name: string) => String(params[name] ?? "");
      if (key === "refusal.type") {
        const misfit = text("misfit") as Misfit;
        return refusal({ refusal: "type", misfit, output: text("output"), input: text("input") });
      }
      const known = /^(refusal|run)\./.test(key) ? key : `notice.${key}`;
      return t(known as "notice.viewOnly", params);
    },
    [t, refusal],
  );
}

/** What the person may do about it, as a button. */
function offered({ key: what, edge, action }: Notice, t: TFunction<"editor">) {
  if (what === "refusal.cycle" && edge) {
    const run = () => void offerLoop(edge, t("preview.step"));
    return { action: { label: t("action.makeLoop"), run } };
  }
  if (!action) return {};
  const { key, params = {}, run } = action;
  return { action: { label: t(`action.${key}` as "action.wireThrough", params), run } };
}

/** Says in words what the flow has to say: refusals, and what could not be done. */
export function Notices() {
  const words = useWords();
  const { t } = useTranslation("editor");
  useEffect(() => {
    let last = "";
    return notices.on((notice) => {
      // What was undone is said beside the undo buttons.
      if (notice.key === "undone" || notice.key === "redone") return;
      if (last) notify.hide(last);
      const offer = offered(notice, t);
      const stay = notice.kind === "error" || "action" in offer ? LONG_MS : QUICK_MS;
      const tell = notice.kind === "error" ? notify.error : notify.info;
      last = tell({ text: words(notice), stay, ...offer });
    });
  }, [words, t]);
  return null;
}
