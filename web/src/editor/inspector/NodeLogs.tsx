import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { activations, useActivations } from "@/runs/activations";
import { FailureBox } from "@/runs/FailureBox";
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
  useActivations((s) => s.version);
  const failure = activations.latest(path, scope)?.failure ?? null;
  return (
    <>
      <ActivationBar shown={shown} />
      <Attempts shown={shown} />
      {failure && <FailureBox failure={failure} />}
      {logs.length === 0 && !failure && <p className={classes.empty}>{t("logs.none")}</p>}
      {logs.length > 0 && (
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
