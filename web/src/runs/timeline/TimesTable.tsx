import { useTranslation } from "react-i18next";
import { showActivation } from "@/editor/run/debug";
import { useFormats } from "@/ui/format";
import { useNodeLook } from "../nodes";
import { useRounds } from "../useRounds";
import type { Times } from "./Gantt";
import { ViewSwitch } from "./Ruler";
import type { Row } from "./rows";
import classes from "./Timeline.module.css";

const MOST = 500;

/** The same times as a table, for reading them one by one. */
export function TimesTable({ rows, start, end, view, onView }: Times) {
  const { t } = useTranslation("runs");
  return (
    <div className={classes.tableBox} data-testid="run-times">
      <div className={classes.ruler}>
        <ViewSwitch view={view} onView={onView} />
      </div>
      <table className={classes.table}>
        <caption className="visually-hidden">{t("time.caption")}</caption>
        <thead>
          <tr>
            <th scope="col">{t("time.node")}</th>
            <th scope="col">{t("time.state")}</th>
            <th scope="col">{t("time.start")}</th>
            <th scope="col">{t("time.queued")}</th>
            <th scope="col">{t("time.took")}</th>
            <th scope="col">{t("time.attempts")}</th>
            <th scope="col">{t("time.records")}</th>
          </tr>
        </thead>
        <tbody>
          {rows
            .filter((row) => row.untold === 0)
            .slice(0, MOST)
            .map((row) => (
              <Line key={row.key} row={row} start={start} now={end} />
            ))}
        </tbody>
      </table>
    </div>
  );
}

function Line({ row, start, now }: { row: Row; start: number; now: number }) {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  const look = useNodeLook()(row.path);
  const rounds = useRounds();
  const { activation, from } = row;
  const duration = (ms: number | null) => (ms === null ? "–" : formats.duration(ms));
  const took = from === null ? null : (activation?.durationMs ?? (row.to ?? now) - from);
  return (
    <tr data-state={row.state} data-critical={row.critical}>
      <th scope="row">
        <button type="button" onClick={() => showActivation(row.path, row.scope)}>
          {row.round === null ? look.name : `${look.name} · ${rounds.row(row.path, row.round)}`}
        </button>
      </th>
      <td>{t(`node.${row.state}`)}</td>
      <td>{duration(from === null ? null : from - start)}</td>
      <td>{duration(row.ready === null || from === null ? null : from - row.ready)}</td>
      <td>{duration(took)}</td>
      <td>{activation ? formats.number(activation.attempts) : "–"}</td>
      <td>{activation ? formats.number(activation.out) : "–"}</td>
    </tr>
  );
}
