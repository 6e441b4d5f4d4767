import { memo } from "react";
import { useTranslation } from "react-i18next";
import type { Json } from "@/api/types";
import { useFormats } from "@/ui/format";
import { type Column, cellText } from "./columns";
import { Sparkline } from "./Sparkline";
import classes from "./Table.module.css";

const SIGNS: Record<Column["type"], string> = {
  number: "#",
  text: "T",
  date: "◷",
  boolean: "◐",
  object: "{}",
  mixed: "?",
  empty: "∅",
};
const LONGEST_TITLE = 1_000;

interface HeadCellProps {
  column: Column;
  /** How many records the column was judged by. */
  looked: number;
  /** Whether these were all of them. */
  complete: boolean;
}

/** The name of a column, its type, and a small picture of its values. */
export function HeadCell({ column, looked, complete }: HeadCellProps) {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  const show = (value: Json) =>
    column.type === "date" ? formats.moment(Number(value)) : formats.number(Number(value));
  const facts = [
    t(`type.${column.type}`),
    column.least === null ? "" : `${show(column.least)} – ${show(column.most)}`,
    t("column.distinct", { count: column.distinct }),
    column.nulls > 0 ? t("column.nulls", { count: column.nulls, total: looked }) : "",
    complete ? "" : t("column.looked", { shown: formats.number(looked) }),
  ];
  const unique = column.distinct > 1 && column.distinct === looked - column.nulls;
  return (
    <th
      scope="col"
      className={classes.headCell}
      title={[column.name, ...facts.filter(Boolean)].join("\n")}
      data-type={column.type}
    >
      <div>
        <b>
          <i aria-hidden="true">{SIGNS[column.type]}</i>
          <span>{column.name}</span>
        </b>
        {column.bars.length > 1 ? (
          <Sparkline bars={column.bars} width={Math.min(96, column.width - 24)} />
        ) : (
          <small>
            {unique ? t("column.unique") : t("column.distinct", { count: column.distinct })}
          </small>
        )}
      </div>
    </th>
  );
}

/** Numbers that name something, such as years and ids, are not grouped. */
function namesSomething(column: string): boolean {
  return /(^|[_ ])(id|year|code|zip|nr|no|number)$|(年|年份|编号|号)$/i.test(column);
}

/** One value of a record. */
export const Cell = memo(function Cell(props: { value: Json | undefined; column: Column }) {
  const { value, column } = props;
  const { t } = useTranslation("runs");
  const formats = useFormats();
  if (value === undefined || value === null) {
    return (
      <td className={classes.cell} data-null data-type={column.type}>
        {value === null ? t("cell.null") : ""}
      </td>
    );
  }
  const grouped =
    typeof value === "number" && !(Number.isInteger(value) && namesSomething(column.name));
  const text = grouped ? formats.number(value, 6, column.decimals) : cellText(value);
  const long = text.length * 7 > column.width - 20;
  return (
    <td
      className={classes.cell}
      data-kind={typeof value}
      title={long ? text.slice(0, LONGEST_TITLE) : undefined}
    >
      {text}
    </td>
  );
});
