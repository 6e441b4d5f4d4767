import { Autocomplete } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Json } from "@/api/types";
import { Control, type ShapedProps } from "../Control";
import { useForm } from "../context";
import { useDraft } from "../draft";
import { EntryList } from "../EntryList";
import { useEntries } from "../entries";
import classes from "../Form.module.css";
import { ProblemLines } from "../ProblemLines";
import { problemsUnder } from "../problems";
import { blankOf, type Shape } from "../schema";
import { asObject } from "./GroupControl";

export type Pair = [name: string, value: Json];

/** The pairs as an object; an unfinished pair has no name yet, a repeated name counts once. */
export function objectOf(pairs: readonly Pair[]): { [key: string]: Json } {
  const result: { [key: string]: Json } = {};
  for (const [name, value] of pairs) {
    const key = name.trim();
    if (key !== "" && !(key in result)) result[key] = value;
  }
  return result;
}

/** The same for two maps that differ only in the order of their names. */
function essenceOf(pairs: readonly Pair[]): string {
  return JSON.stringify(Object.entries(objectOf(pairs)).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** What stands for a value in a one-line field: text as it is, everything else as JSON. */
export function scalarText(value: Json): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

/** Reads a one-line value: a number, true, false, null and JSON are what they look like. */
export function scalarOf(text: string): Json {
  const trimmed = text.trim();
  if (!/^(-?\d|true$|false$|null$|[[{"])/.test(trimmed)) return text;
  try {
    return JSON.parse(trimmed) as Json;
  } catch {
    return text;
  }
}

/** Names with a value each, such as new fields and their expressions. */
export function MapControl({ path, shape, value, onChange, label }: ShapedProps) {
  const { t } = useTranslation("form");
  const { problems } = useForm();
  const { item, schema } = shape;
  const source = value === undefined ? schema.default : value;
  const saved: Pair[] = Object.entries(asObject(source));
  const pairs = useEntries<Pair>(saved, (next) => onChange(objectOf(next)), essenceOf);
  if (!item) return null;
  const stacked = item.kind === "expression";
  return (
    <EntryList
      entries={pairs}
      addLabel={t("add.entry")}
      onAdd={() => pairs.add(["", blankOf(scalarShape(item))])}
      tall={stacked}
      render={([name, inner], index, change) => {
        const twice = isRepeated(
          pairs.items.map((entry) => entry.value),
          index,
        );
        const wrong = problemsUnder(problems, [...path, name]);
        return (
          <>
            <div className={stacked ? classes.stack : classes.pair}>
              <NameField
                name={name}
                label={`${label}: ${t("map.name")}`}
                twice={twice}
                onChange={(next) => change([next, inner])}
              />
              <Control
                path={[...path, name]}
                shape={scalarShape(item)}
                value={item.kind === "json" ? scalarText(inner) : inner}
                onChange={(next) => change([name, readBack(item, next)])}
                label={name || t("map.value")}
                invalid={wrong.length > 0}
                compact
              />
            </div>
            {twice && <p className={classes.twice}>{t("map.twice")}</p>}
            <ProblemLines problems={wrong} />
          </>
        );
      }}
    />
  );
}

function scalarShape(item: Shape): Shape {
  return item.kind === "json" ? { ...item, kind: "text" } : item;
}

function readBack(item: Shape, next: Json | undefined): Json {
  if (next === undefined) return "";
  return item.kind === "json" && typeof next === "string" ? scalarOf(next) : next;
}

function isRepeated(pairs: readonly Pair[], index: number): boolean {
  const name = pairs[index]?.[0].trim() ?? "";
  return name !== "" && pairs.findIndex(([other]) => other.trim() === name) < index;
}

interface NameFieldProps {
  name: string;
  label: string;
  twice: boolean;
  onChange: (name: string) => void;
}

function NameField({ name, label, twice, onChange }: NameFieldProps) {
  const { t } = useTranslation("form");
  const { readOnly, columns } = useForm();
  const draft = useDraft(name, onChange);
  return (
    <Autocomplete
      aria-label={label}
      data={[...columns]}
      value={draft.value}
      error={twice}
      readOnly={readOnly}
      placeholder={t("map.name")}
      spellCheck={false}
      onChange={draft.change}
      onOptionSubmit={draft.set}
      onBlur={draft.commit}
      comboboxProps={{ width: "max-content", position: "bottom-start" }}
    />
  );
}
