import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { JsonObject } from "@/api/types";
import { Cell, HeadCell } from "./Cells";
import { type Column, columnsOf, LOOKED_AT } from "./columns";
import { RecordView } from "./RecordView";
import classes from "./Table.module.css";

interface TableViewProps {
  rows: readonly JsonObject[];
  /** How many there are in all, of which `rows` are the first. */
  total: number;
  /** The columns to show, in order; all of them when there are none. */
  wanted?: readonly string[] | undefined;
  /** Asks for more rows, when there are more. */
  onMore?: (() => void) | undefined;
}

const ROW = 28;
const NUMBER_COLUMN = 48;
const NEAR_END = 60;

/** Records as a table: only the rows in sight are drawn. */
export function TableView({ rows, total, wanted, onMore }: TableViewProps) {
  const { t } = useTranslation("runs");
  const scroller = useRef<HTMLDivElement>(null);
  const columns = useMemo(() => columnsOf(rows, wanted), [rows, wanted]);
  const [chosen, setChosen] = useState<number | null>(null);
  const looked = Math.min(rows.length, LOOKED_AT);
  const record = chosen === null ? undefined : rows[chosen];
  return (
    <div className={classes.frame}>
      <section
        ref={scroller}
        className={classes.scroller}
        data-testid="output-table"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled area must be reachable by keyboard
        tabIndex={0}
        aria-label={t("view.table")}
      >
        <table
          className={classes.table}
          aria-rowcount={total + 1}
          style={{ width: widthOf(columns) }}
        >
          <colgroup>
            <col style={{ width: NUMBER_COLUMN }} />
            {columns.map((column) => (
              <col key={column.name} style={{ width: column.width }} />
            ))}
          </colgroup>
          <thead>
            <tr>
              <td className={classes.number} />
              {columns.map((column) => (
                <HeadCell
                  key={column.name}
                  column={column}
                  looked={looked}
                  complete={looked >= total}
                />
              ))}
            </tr>
          </thead>
          <Body
            rows={rows}
            columns={columns}
            scroller={scroller}
            chosen={chosen}
            onChoose={(index) => setChosen(index === chosen ? null : index)}
            onMore={onMore}
          />
        </table>
      </section>
      {record && chosen !== null && (
        <RecordView record={record} number={chosen + 1} onClose={() => setChosen(null)} />
      )}
    </div>
  );
}

function widthOf(columns: readonly Column[]): number {
  return NUMBER_COLUMN + columns.reduce((sum, column) => sum + column.width, 0);
}

interface BodyProps {
  rows: readonly JsonObject[];
  columns: Column[];
  scroller: React.RefObject<HTMLElement | null>;
  chosen: number | null;
  onChoose: (index: number) => void;
  onMore: (() => void) | undefined;
}

function Body({ rows, columns, scroller, chosen, onChoose, onMore }: BodyProps) {
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 12,
    initialRect: { width: 800, height: 400 },
  });
  const items = virtual.getVirtualItems();
  const first = items[0];
  const last = items.at(-1);
  const lastIndex = last?.index ?? 0;
  useEffect(() => {
    if (lastIndex >= rows.length - NEAR_END) onMore?.();
  }, [lastIndex, rows.length, onMore]);
  const before = first?.start ?? 0;
  const after = virtual.getTotalSize() - (last?.end ?? 0);
  return (
    <tbody>
      <Gap height={before} span={columns.length + 1} />
      {items.map((item) => (
        <Row
          key={item.key}
          index={item.index}
          row={rows[item.index] ?? {}}
          columns={columns}
          chosen={chosen === item.index}
          onChoose={onChoose}
        />
      ))}
      <Gap height={after} span={columns.length + 1} />
    </tbody>
  );
}

/** Stands for the rows that are out of sight. */
function Gap({ height, span }: { height: number; span: number }) {
  if (height <= 0) return null;
  return (
    <tr className={classes.gap}>
      <td colSpan={span} style={{ height }} />
    </tr>
  );
}

interface RowProps {
  index: number;
  row: JsonObject;
  columns: Column[];
  chosen: boolean;
  onChoose: (index: number) => void;
}

function Row({ index, row, columns, chosen, onChoose }: RowProps) {
  const { t } = useTranslation("runs");
  return (
    <tr
      className={classes.row}
      aria-rowindex={index + 2}
      data-chosen={chosen || undefined}
      onClick={() => onChoose(index)}
    >
      <td className={classes.number}>
        <button
          type="button"
          aria-pressed={chosen}
          aria-label={t("record.open", { number: index + 1 })}
        >
          {index + 1}
        </button>
      </td>
      {columns.map((column) => (
        <Cell key={column.name} value={row[column.name]} column={column} />
      ))}
    </tr>
  );
}
