import { Button } from "@mantine/core";
import { IconChevronRight } from "@tabler/icons-react";
import { type ReactNode, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import type { RunInfo } from "@/api/types";
import { describeFailure, inOneLine } from "@/ui/errorText";
import { useFormats } from "@/ui/format";
import { RunBadge } from "@/ui/RunBadge";
import { When } from "@/ui/When";
import { isActive } from "../store";
import { useRounds } from "../useRounds";
import classes from "./Called.module.css";
import { placeOf, useCalledRuns, useFlowName } from "./called";
import list from "./History.module.css";

const INDENT = 18;

/** Whether the runs below a run are shown, and the button for that; none where there are none. */
export function useBelow(run: RunInfo): { open: boolean; toggle: ReactNode } {
  const { t } = useTranslation("called");
  const [open, setOpen] = useState(false);
  const count = run.children ?? 0;
  if (count === 0) return { open: false, toggle: null };
  const label = t(open ? "hide" : "show", { count });
  const toggle = (
    <button
      type="button"
      className={classes.toggle}
      aria-expanded={open}
      aria-label={label}
      title={label}
      data-testid="show-called"
      onClick={(event) => {
        event.stopPropagation();
        setOpen(!open);
      }}
    >
      <IconChevronRight size={14} stroke={1.8} />
    </button>
  );
  return { open, toggle };
}

interface CalledLinesProps {
  run: RunInfo;
  depth: number;
  /** The names of the flows, where several are listed. */
  flows: ReadonlyMap<string, string> | null;
}

/** The runs that a run called, as lines below its own. */
export function CalledLines({ run, depth, flows }: CalledLinesProps) {
  const { t } = useTranslation("called");
  const called = useCalledRuns(run.id, {}, isActive(run.state));
  const columns = flows ? 7 : 6;
  return (
    <>
      {called.runs.map((each) => (
        <CalledLine key={each.id} run={each} depth={depth} flows={flows} />
      ))}
      {called.isSuccess && called.runs.length === 0 && (
        <tr className={classes.inner}>
          <td colSpan={columns}>{t("none")}</td>
        </tr>
      )}
      {called.hasNextPage && (
        <tr className={classes.inner}>
          <td colSpan={columns}>
            <Button
              size="compact-xs"
              variant="subtle"
              loading={called.isFetchingNextPage}
              onClick={() => void called.fetchNextPage()}
            >
              {t("more")}
            </Button>
          </td>
        </tr>
      )}
    </>
  );
}

function CalledLine({ run, depth, flows }: CalledLinesProps) {
  const { t, i18n } = useTranslation("called");
  const formats = useFormats();
  const [, go] = useLocation();
  const flow = useFlowName(run.flow_id, flows?.get(run.flow_id));
  const { open, toggle } = useBelow(run);
  const why = run.failure ? inOneLine(describeFailure(run.failure, i18n.language)) : "";
  const { node = "", scope = "" } = run.parent ?? {};
  const place = useRounds().place(node, scope);
  return (
    <>
      <tr
        className={classes.inner}
        data-testid="called-line"
        data-number={run.number}
        data-state={run.state}
        onClick={() => go(placeOf(run))}
      >
        <td />
        {flows && <td style={{ paddingLeft: depth * INDENT }}>{flow}</td>}
        <td style={flows ? undefined : { paddingLeft: depth * INDENT }}>
          {toggle}
          <button
            type="button"
            aria-label={t("open", { number: run.number, flow })}
            onClick={(event) => {
              event.stopPropagation();
              go(placeOf(run));
            }}
          >
            {run.number}
          </button>
        </td>
        <td className={list.stateCell}>
          <RunBadge state={run.state} />
          {why && <em title={why}>{why}</em>}
        </td>
        <td className={classes.place}>
          {flows === null && <i className={list.tag}>{flow}</i>}{" "}
          {place ? t("placeIn", { node, place }) : t("place", { node })}
        </td>
        <td>
          <When time={run.created_at} />
        </td>
        <td className={list.right}>
          {run.duration_ms != null ? formats.duration(run.duration_ms) : "–"}
        </td>
      </tr>
      {open && <CalledLines run={run} depth={depth + 1} flows={flows} />}
    </>
  );
}
