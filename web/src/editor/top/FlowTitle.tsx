import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useCanEdit } from "@/canvas/hooks";
import { setMeta } from "@/flow/commands";
import { useGraph } from "@/flow/store";
import classes from "./FlowTitle.module.css";

const LONGEST = 200;

/** The name of the flow, edited in place. */
export function FlowTitle({ fallback }: { fallback: string }) {
  const { t } = useTranslation("editor");
  const name = useGraph((s) => (s.ready ? s.meta.name : fallback));
  const canEdit = useCanEdit();
  const [draft, setDraft] = useState<string | null>(null);
  const finish = (keep: boolean) => {
    const wanted = draft?.trim() ?? "";
    setDraft(null);
    if (keep && wanted !== "" && wanted !== name) setMeta("name", wanted);
  };
  return (
    <span className={classes.title} data-value={draft ?? name}>
      <input
        value={draft ?? name}
        readOnly={!canEdit}
        maxLength={LONGEST}
        size={1}
        aria-label={t("top.flowName")}
        title={canEdit ? t("top.rename") : name}
        data-testid="flow-name"
        onFocus={(event) => canEdit && event.target.select()}
        onChange={(event) => setDraft(event.target.value)}
        onBlur={() => finish(true)}
        onKeyDown={(event) => {
          if (event.nativeEvent.isComposing) return;
          if (event.key === "Enter") event.currentTarget.blur();
          if (event.key === "Escape") {
            setDraft(null);
            requestAnimationFrame(() => (document.activeElement as HTMLElement | null)?.blur());
          }
        }}
      />
    </span>
  );
}
