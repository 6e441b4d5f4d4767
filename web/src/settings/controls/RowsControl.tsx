import { useTranslation } from "react-i18next";
import type { Json, JsonObject } from "@/api/types";
import { localeOf } from "@/i18n";
import { Control, type ShapedProps } from "../Control";
import { useForm } from "../context";
import { EntryList } from "../EntryList";
import { useEntries } from "../entries";
import classes from "../Form.module.css";
import { ProblemLines } from "../ProblemLines";
import { type Path, problemsUnder } from "../problems";
import { blankOf, type Shape } from "../schema";
import { labelOf } from "../words";
import { asObject, GroupControl, withField } from "./GroupControl";
import { asList } from "./ListControl";

/** Up to so many simple fields stand side by side; more are put in a box. */
const MOST_CELLS = 3;
const SIMPLE = new Set(["text", "column", "enum", "number", "integer", "boolean", "expression"]);
const NARROW = new Set(["boolean", "number", "integer"]);

function fitsInRow(item: Shape): boolean {
  const fields = item.fields ?? [];
  return fields.length <= MOST_CELLS && fields.every((field) => SIMPLE.has(field.shape.kind));
}

/** A name and its expression stand one on the other: beside a name there is no room for one. */
function isNamedExpression(item: Shape): boolean {
  const kinds = (item.fields ?? []).map((field) => field.shape.kind);
  return kinds.join() === "text,expression" || kinds.join() === "column,expression";
}

/** A list that needs an entry shows an empty one, which counts as soon as something is in it. */
function shownOf(list: Json[], item: Shape | undefined, least: number, readOnly: boolean): Json[] {
  return item && list.length === 0 && least > 0 && !readOnly ? [blankOf(item)] : list;
}

/** A list of small objects, such as what to sort by: one row for each. */
export function RowsControl({ path, shape, value, onChange }: ShapedProps) {
  const { t } = useTranslation("form");
  const { readOnly } = useForm();
  const { item, schema } = shape;
  const list = asList(value, schema.default);
  const entries = useEntries(shownOf(list, item, schema.minItems ?? 0, readOnly), onChange);
  if (!item) return null;
  const inline = fitsInRow(item);
  return (
    <EntryList
      entries={entries}
      addLabel={t("add.entry")}
      onAdd={() => entries.add(blankOf(item))}
      least={schema.minItems}
      most={schema.maxItems}
      tall={!inline}
      render={(entry, index, change) => {
        const here: Path = [...path, index];
        const row = asObject(entry);
        return inline ? (
          <Row path={here} item={item} row={row} onChange={change} />
        ) : (
          <div className={classes.boxed}>
            <GroupControl
              path={here}
              shape={item}
              value={row}
              onChange={(next) => change(next ?? {})}
              label={`${index + 1}`}
            />
          </div>
        );
      }}
    />
  );
}

interface RowProps {
  path: Path;
  item: Shape;
  row: JsonObject;
  onChange: (row: Json) => void;
}

function Row({ path, item, row, onChange }: RowProps) {
  const { spec, language, problems } = useForm();
  const under = problemsUnder(problems, path);
  const cells = (item.fields ?? []).map(({ key, shape, required }) => {
    const cellPath = [...path, key];
    const { title } = labelOf(spec, cellPath, shape.schema, language);
    const found = problemsUnder(under, cellPath);
    return { key, shape, title, cellPath, found, open: required && isBlank(row[key]) };
  });
  const open = cells.filter((cell) => cell.open && cell.found.length > 0);
  const openProblems = new Set(open.flatMap((cell) => cell.found));
  return (
    <>
      <div className={isNamedExpression(item) ? classes.stack : classes.cells}>
        {cells.map(({ key, shape, title, cellPath, found, open }) => (
          <div key={key} className={classes.cell} data-narrow={NARROW.has(shape.kind) || undefined}>
            <Control
              path={cellPath}
              shape={withPlaceholder(shape, title)}
              value={row[key]}
              onChange={(next) => onChange(withField(row, key, next))}
              label={title}
              invalid={!open && found.length > 0}
              compact
            />
          </div>
        ))}
      </div>
      {open.length > 0 && <StillOpen titles={open.map((cell) => cell.title)} />}
      <ProblemLines problems={under.filter((problem) => !openProblems.has(problem))} />
    </>
  );
}

function isBlank(value: Json | undefined): boolean {
  return value === undefined || value === null || value === "";
}

/** What an entry lacks: nothing is wrong with it, it is only not finished. */
function StillOpen({ titles }: { titles: string[] }) {
  const { t } = useTranslation("form");
  const { language } = useForm();
  const names = new Intl.ListFormat(localeOf(language), { type: "unit" }).format(titles);
  return <p className={classes.stillOpen}>{t("entry.open", { names })}</p>;
}

/** A cell has no name beside it: its placeholder says what it is. */
function withPlaceholder(shape: Shape, title: string): Shape {
  return { ...shape, schema: { "x-placeholder": title, ...shape.schema } };
}
