import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useRun } from "@/runs/store";
import { useFormats } from "@/ui/format";
import classes from "./Inspector.module.css";

/** What a node said in the run. */
export function NodeLogs({ id }: { id: string }) {
  const { t } = useTranslation("editor");
  const formats = useFormats();
  const all = useRun((s) => s.logs);
  const logs = useMemo(() => all.filter((line) => line.node === id), [all, id]);
  if (logs.length === 0) return <p className={classes.empty}>{t("logs.none")}</p>;
  return (
    <ol className={classes.logs} data-testid="node-logs">
      {logs.map((line) => (
        <li key={line.seq} data-level={line.level}>
          <time>{formats.clock(line.at)}</time>
          {line.message}
        </li>
      ))}
    </ol>
  );
}
