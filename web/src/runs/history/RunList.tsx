import { Button, Checkbox } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { RunInfo } from "@/api/types";
import { describeFailure, inOneLine } from "@/ui/errorText";
import { useFormats } from "@/ui/format";
import { RunBadge } from "@/ui/RunBadge";
import { When } from "@/ui/When";
import { CalledLines, useBelow } from "./CalledLines";
import classes from "./History.module.css";
import { Origin } from "./Origin";

interface RunListProps {
  runs: readonly RunInfo[];
  current: string | null;
  /** The names of the flows, where several are listed. */
  flows: ReadonlyMap<string, string> | null;
  /** The runs that are to be compared. */
  chosen: readonly string[];
  onChoose: (id: string) => void;
  onOpen: (run: RunInfo) => void;
  onMore: (() => void) | null;
}

/** Runs, newest first. */
export function RunList({ runs, current, flows, chosen, onChoose, ...rest }: RunListProps) {
  const { t } = useTranslation("runs");
  return (
    <div className={classes.listBox}>
      <table className={classes.list} data-testid="run-list">
        <caption className="visually-hidden">{t("history.title")}</caption>
        <thead>
          <tr>
            <th scope="col">
              <span className="visually-hidden">{t("history.compare")}</span>
            </th>
            {flows && <th scope="col">{t("history.flow")}</th>}
            <th scope="col">{t("history.number")}</th>
            <th scope="col">{t("history.state")}</th>
            <th scope="col">{t("history.who")}</th>
            <th scope="col">{t("history.began")}</th>
            <th scope="col" className={classes.right}>
              {t("history.took")}
            </th>
          </tr>
        </thead>
        <tbody>
          {runs.map((run) => (
            <Line
              key={run.id}
              run={run}
              current={run.id === current}
              flow={flows && (flows.get(run.flow_id) ?? run.flow_id)}
              flows={flows}
              chosen={chosen.includes(run.id)}
              onChoose={() => onChoose(run.id)}
              onOpen={() => rest.onOpen(run)}
            />
          ))}
        </tbody>
      </table>
      {rest.onMore && (
        <Button
          size="compact-sm"
          variant="subtle"
          className={classes.more ?? ""}
          onClick={rest.onMore}
        >
          {t("history.more")}
        </Button>
      )}
    </div>
  );
}

interface LineProps {
  run: RunInfo;
  current: boolean;
  flow: string | null;
  flows: ReadonlyMap<string, string> | null;
  chosen: boolean;
  onChoose: () => void;
  onOpen: () => void;
}

function Line({ run, current, flow, flows, chosen, onChoose, onOpen }: LineProps) {
  const { t, i18n } = useTranslation("runs");
  const formats = useFormats();
  const why = run.failure ? inOneLine(describeFailure(run.failure, i18n.language)) : "";
  const tags = [
    run.trigger && t("history.event"),
    run.env !== "local" && t(`env.${run.env}` as "env.ray", { defaultValue: run.env }),
  ].filter(Boolean);
  const { open, toggle } = useBelow(run);
  const line = (
    <tr
      data-testid="run-line"
      data-number={run.number}
      data-state={run.state}
      aria-current={current || undefined}
      onClick={onOpen}
    >
      <td>
        <Checkbox
          size="xs"
          aria-label={t("history.choose", { number: run.number })}
          checked={chosen}
          onClick={(event) => event.stopPropagation()}
          onChange={onChoose}
        />
      </td>
      {flow !== null && <td className={classes.flow}>{flow}</td>}
      <td>
        {toggle}
        <button
          type="button"
          aria-label={t("history.open", { number: run.number })}
          onClick={(event) => {
            event.stopPropagation();
            onOpen();
          }}
        >
          {run.number}
        </button>
      </td>
      <td className={classes.stateCell}>
        <RunBadge state={run.state} />
        {why && <em title={why}>{why}</em>}
      </td>
      <td>
        {run.started_by?.name}
        {tags.map((tag) => (
          <i key={String(tag)} className={classes.tag}>
            {tag}
          </i>
        ))}
        {run.forked_from && (
          <i className={classes.tag}>
            <Origin from={run.forked_from} fromNode={run.from_node ?? null} />
          </i>
        )}
      </td>
      <td>
        <When time={run.created_at} />
      </td>
      <td className={classes.right}>
        {run.duration_ms != null ? formats.duration(run.duration_ms) : "–"}
      </td>
    </tr>
  );
  return (
    <>
      {line}
      {open && <CalledLines run={run} depth={1} flows={flows} />}
    </>
  );
}
