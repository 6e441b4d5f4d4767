import { SegmentedControl, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { setSelection } from "@/flow/store";
import { useFormats } from "@/ui/format";
import classes from "./Dock.module.css";
import { type Line, type LineFilter, linesOf, passes } from "./lines";
import { ownNodeNow, useNodeLook } from "./nodes";
import { useRun } from "./store";

const ROW = 24;
const FILTERS: LineFilter[] = ["all", "log", "warning", "error"];

/** What happened and what nodes wrote, line by line. */
export function LogPane() {
  const { t, i18n } = useTranslation("runs");
  const formats = useFormats();
  const language = i18n.language;
  const events = useRun((run) => run.events);
  const logs = useRun((run) => run.logs);
  const [filter, setFilter] = useState<LineFilter>("all");
  const [query, setQuery] = useState("");
  const lines = useMemo(
    () => linesOf(events, logs, { t, formats, language }),
    [events, logs, t, formats, language],
  );
  const shown = useMemo(
    () => lines.filter((line) => passes(line, filter, query)),
    [lines, filter, query],
  );
  return (
    <div className={classes.log}>
      <div className={classes.filter}>
        <SegmentedControl
          size="xs"
          aria-label={t("log.filter")}
          data={FILTERS.map((value) => ({ value, label: t(`log.${value}`) }))}
          value={filter}
          onChange={(value) => setFilter(value as LineFilter)}
        />
        <TextInput
          className={classes.search ?? ""}
          size="xs"
          type="search"
          aria-label={t("log.search")}
          placeholder={t("log.search")}
          leftSection={<IconSearch size={13} stroke={1.7} />}
          value={query}
          onChange={(event) => setQuery(event.currentTarget.value)}
        />
      </div>
      {shown.length === 0 ? (
        <div className={classes.empty}>{lines.length > 0 ? t("log.none") : t("log.empty")}</div>
      ) : (
        <Lines lines={shown} />
      )}
    </div>
  );
}

function Lines({ lines }: { lines: readonly Line[] }) {
  const { t } = useTranslation("runs");
  const scroller = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 20,
  });
  // New lines are followed as long as one has not scrolled back.
  useEffect(() => {
    if (atEnd.current && lines.length > 0) virtual.scrollToIndex(lines.length - 1);
  }, [lines.length, virtual]);
  return (
    <div
      ref={scroller}
      className={classes.lines}
      data-testid="run-log"
      role="log"
      aria-label={t("dock.log")}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled area must be reachable by keyboard
      tabIndex={0}
      onScroll={({ currentTarget: box }) => {
        atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < ROW * 2;
      }}
    >
      <div style={{ height: virtual.getTotalSize(), position: "relative" }}>
        {virtual.getVirtualItems().map((item) => {
          const line = lines[item.index];
          return line && <LineRow key={item.key} line={line} top={item.start} />;
        })}
      </div>
    </div>
  );
}

function LineRow({ line, top }: { line: Line; top: number }) {
  const formats = useFormats();
  const look = useNodeLook();
  const { node } = line;
  return (
    <div className={classes.line} data-level={line.level} style={{ top }}>
      <time title={formats.exact(line.at)}>{formats.clock(line.at)}</time>
      <span className={classes.level} data-level={line.level} aria-hidden="true" />
      {node !== null && (
        <button type="button" onClick={() => setSelection([ownNodeNow(node) ?? node])}>
          {look(node).name}
        </button>
      )}
      <p title={line.text}>{line.text}</p>
    </div>
  );
}
