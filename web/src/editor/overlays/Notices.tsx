import { useCallback, useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useRefusal } from "@/canvas/refusal";
import type { Misfit } from "@/flow/ports";
import { type Notice, notices } from "@/flow/session";
import { notify } from "@/ui/notify";

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

/** Says in words what the flow has to say: refusals, and what could not be done. */
export function Notices() {
  const words = useWords();
  useEffect(() => {
    let last = "";
    return notices.on((notice) => {
      // What was undone is said beside the undo buttons.
      if (notice.key === "undone" || notice.key === "redone") return;
      if (last) notify.hide(last);
      const error = notice.kind === "error";
      const note = { text: words(notice), stay: error ? LONG_MS : QUICK_MS };
      last = error ? notify.error(note) : notify.info(note);
    });
  }, [words]);
  return null;
}
