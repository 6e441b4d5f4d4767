import { Button } from "@mantine/core";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { reportSignedOut } from "@/api/session";
import { copy } from "@/flow/clipboard";
import { useGraph, useSession } from "@/flow/store";
import { useDeletedBy } from "@/runs/deleted";
import { Waiting } from "@/ui/Waiting";
import classes from "./SessionState.module.css";

function refusalOf(code: string | null): "refused" | "too_large" | "storage" {
  if (code === "document.too_large") return "too_large";
  return code?.startsWith("storage.") ? "storage" : "refused";
}

/** What ended the session, or keeps it from beginning, with a way on. */
export function SessionState() {
  const { t } = useTranslation("editor");
  const ready = useGraph((s) => s.ready);
  const closed = useSession((s) => s.closed);
  const refused = useSession((s) => s.refused);
  const status = useSession((s) => s.status);
  const pending = useSession((s) => s.pendingEdits);
  const deletedBy = useDeletedBy();
  const [, go] = useLocation();
  useEffect(() => {
    if (closed === "signed_out" && pending === 0) reportSignedOut();
  }, [closed, pending]);

  if (closed === null && refused === null) {
    if (ready) return null;
    return (
      <div className={classes.waiting}>
        {status === "offline" ? <p>{t("session.noAnswer")}</p> : <Waiting />}
      </div>
    );
  }
  const reason = closed ?? refusalOf(refused);
  const deleted = reason === "not_found";
  const gone = reason === "no_access" || deleted;
  const passing = reason === "too_fast" || reason === "too_large" || reason === "storage";
  return (
    <div className={classes.banner} role="alert" data-testid="session-closed" data-reason={reason}>
      <span>
        {deleted ? (
          <Deleted by={deletedBy} />
        ) : (
          <>
            <b>{t(`session.${reason}`)}</b> {t(`session.${reason}.text`)}
          </>
        )}
        {pending > 0 && ` ${t("session.unsaved", { count: pending })}`}
      </span>
      {(deleted || pending > 0) && !passing && <CopyAll />}
      {!passing && (
        <Button variant="filled" onClick={() => (gone ? go("/") : window.location.reload())}>
          {t(gone ? "top.home" : "session.again")}
        </Button>
      )}
    </div>
  );
}

/** Says that the flow is gone, and who deleted it, where that is known. */
function Deleted({ by }: { by: string | null }) {
  const { t } = useTranslation("common");
  const said = by === null ? t("deleted.flow") : t("deleted.flow_by", { name: by });
  return (
    <>
      <b>{said}</b> {t("deleted.text")}
    </>
  );
}

/** Takes what could not be saved along as text, to be pasted into another flow. */
function CopyAll() {
  const { t } = useTranslation("editor");
  const nodes = useGraph((s) => s.nodes);
  const notes = useGraph((s) => s.notes);
  const take = () => {
    const text = copy([...Object.keys(nodes), ...Object.keys(notes)]);
    if (text !== null) void navigator.clipboard.writeText(text);
  };
  return <Button onClick={take}>{t("session.copyAll")}</Button>;
}
