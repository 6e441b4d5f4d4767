import { useTranslation } from "react-i18next";
import { useSession } from "@/flow/store";
import classes from "./SavedState.module.css";

/** Whether everything typed here is on the server's disk. */
export function SavedState() {
  const { t } = useTranslation("editor");
  const saved = useSession((s) => s.saved);
  const status = useSession((s) => s.status);
  const pending = useSession((s) => s.pendingEdits);
  const refused = useSession((s) => s.refused);
  const state = refused ? "refused" : status === "connecting" ? "connecting" : saved;
  const text = state === "offline" ? t("saved.offline", { count: pending }) : t(`saved.${state}`);
  const deleted = useSession((s) => s.closed === "not_found");
  const { t: common } = useTranslation("common");
  if (deleted) {
    return (
      <span
        className={classes.saved}
        data-testid="saved-state"
        data-state="deleted"
        data-pending={pending}
        role="status"
      >
        <i aria-hidden />
        {common("deleted.state")}
      </span>
    );
  }
  const shown = state === "offline" && pending === 0 ? t("saved.offlineClean") : text;
  return (
    <span
      className={classes.saved}
      data-testid="saved-state"
      data-state={state}
      data-pending={pending}
      role="status"
      title={t(`saved.${state}.tip`)}
    >
      <i aria-hidden />
      {shown}
    </span>
  );
}
