import { Button } from "@mantine/core";
import { IconArrowsDiff } from "@tabler/icons-react";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { RunInfo } from "@/api/types";
import { inOneLine } from "@/ui/errorText";
import { useErrorText } from "@/ui/useErrorText";
import { Waiting } from "@/ui/Waiting";
import { Compare } from "./Compare";
import { FilterBar } from "./FilterBar";
import { NO_FILTER } from "./filter";
import classes from "./History.module.css";
import { RunList } from "./RunList";
import { useRunList, type Where } from "./useRunList";

interface HistoryProps {
  where: Where;
  current: string | null;
  flows: ReadonlyMap<string, string> | null;
  onOpen: (run: RunInfo) => void;
}

/** Past runs to look through, to open, and two of them to compare. */
export function History({ where, current, flows, onOpen }: HistoryProps) {
  const { t } = useTranslation("runs");
  const describe = useErrorText();
  const [filter, setFilter] = useState(NO_FILTER);
  const [chosen, setChosen] = useState<string[]>([]);
  const [comparing, setComparing] = useState(false);
  const list = useRunList(where, filter);
  const pair = useMemo(
    () => list.runs.filter((run) => chosen.includes(run.id)).sort((a, b) => a.number - b.number),
    [list.runs, chosen],
  );
  const [a, b] = pair;
  const choose = (id: string) =>
    setChosen((now) =>
      now.includes(id) ? now.filter((each) => each !== id) : [...now.slice(-1), id],
    );
  if (comparing && a && b) {
    return <Compare a={a} b={b} onBack={() => setComparing(false)} />;
  }
  return (
    <div className={classes.history} data-testid="history">
      <div className={classes.head}>
        <FilterBar filter={filter} onFilter={setFilter} runs={list.runs} />
        <Button
          size="compact-sm"
          leftSection={<IconArrowsDiff size={14} stroke={1.7} />}
          disabled={!a || !b}
          title={t("history.compareTip")}
          data-testid="compare"
          onClick={() => setComparing(true)}
        >
          {t("history.compare")}
        </Button>
      </div>
      {list.isPending && <Waiting />}
      {list.error && list.runs.length === 0 && (
        <p className={classes.none}>{inOneLine(describe(list.error))}</p>
      )}
      {list.isSuccess && list.runs.length === 0 && (
        <p className={classes.none}>
          {filter === NO_FILTER ? t("history.empty") : t("history.noMatch")}
        </p>
      )}
      {list.runs.length > 0 && (
        <RunList
          runs={list.runs}
          current={current}
          flows={flows}
          chosen={chosen}
          onChoose={choose}
          onOpen={onOpen}
          onMore={list.hasNextPage ? () => void list.fetchNextPage() : null}
        />
      )}
    </div>
  );
}
