import { useTranslation } from "react-i18next";
import type { Json } from "@/api/types";
import { Control, type ShapedProps } from "../Control";
import { useForm } from "../context";
import { EntryList } from "../EntryList";
import { useEntries } from "../entries";
import { ProblemLines } from "../ProblemLines";
import { problemsUnder } from "../problems";
import { blankOf, optionsOf } from "../schema";

const NOTHING: Json[] = [];

export function asList(value: Json | undefined, fallback: Json | undefined): Json[] {
  if (Array.isArray(value)) return value;
  return value === undefined && Array.isArray(fallback) ? fallback : NOTHING;
}

/** A list of texts, numbers or choices. */
export function ListControl({ path, shape, value, onChange, label }: ShapedProps) {
  const { t } = useTranslation("form");
  const { problems } = useForm();
  const { item, schema } = shape;
  const entries = useEntries(asList(value, schema.default), onChange);
  if (!item) return null;
  const used = new Set(entries.items.map((entry) => JSON.stringify(entry.value)));
  function next(): Json {
    if (!item) return "";
    if (item.kind !== "enum") return blankOf(item);
    // A choice that is not in the list yet is the likely next one.
    return optionsOf(item).find((option) => !used.has(JSON.stringify(option))) ?? blankOf(item);
  }
  return (
    <EntryList
      entries={entries}
      addLabel={item.kind === "column" ? t("add.column") : t("add.entry")}
      onAdd={() => entries.add(next())}
      least={schema.minItems}
      most={schema.maxItems}
      render={(entry, index, change) => {
        const wrong = problemsUnder(problems, [...path, index]);
        return (
          <>
            <Control
              path={[...path, index]}
              shape={item}
              value={entry}
              onChange={(changed) => change(changed ?? "")}
              label={`${label} ${index + 1}`}
              invalid={wrong.length > 0}
              compact
            />
            <ProblemLines problems={wrong} />
          </>
        );
      }}
    />
  );
}
