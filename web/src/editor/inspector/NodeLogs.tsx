import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { ActivationBar } from "@/runs/node/ActivationBar";
import { Attempts } from "@/runs/node/Attempts";
import { useShownOf } from "@/runs/shown";
import { useRun } from "@/runs/store";
import { useFormats } from "@/ui/format";
import classes from "./Inspector.module.css";

/** What a node said in the run, in the round that is shown, and its attempts. */
export function NodeLogs({ id }: { id: string }) {
  const { t } = useTranslation("editor");
  const formats = useFormats();
  const shown = useShownOf(id);
  const { path, scope } = shown;
  const all = useRun((s) => s.logs);
  const logs = useMemo(
    () =>
      all.filter(
        (line) => line.node === path && (!scope || line.scope === "" || line.scope === scope),
      ),
    [all, path, scope],
  );
  return (
    <>
      <ActivationBar shown={shown} />
      <Attempts shown={shown} />
      {logs.length === 0 ? (
        <p className={classes.empty}>{t("logs.none")}</p>
      ) : (
        <ol className={classes.logs} data-testid="node-logs">
          {logs.map((line) => (
            <li key={line.seq} data-level={line.level}>
              <time>{formats.clock(line.at)}</time>
              {line.message}
            </li>
          ))}
        </ol>
      )}
    </>
  );
}
