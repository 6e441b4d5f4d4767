import { Select, TextInput } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useCanEdit } from "@/canvas/hooks";
import { setEntry } from "@/flow/commands";
import { useGraph } from "@/flow/store";
import type { FlowInput, Json } from "@/flow/types";
import inputs from "./FlowInputs.module.css";
import { RemoveEntry } from "./FlowVariables";
import classes from "./Inspector.module.css";
import { JsonField } from "./JsonField";
import { NewName } from "./NewName";

/** The types that are offered; a flow from a file may have any other. */
const TYPES = ["Text", "Number", "Bool", "Date", "Json", "Row", "File"];

function typesWith(type = "Text"): string[] {
  return TYPES.includes(type) ? TYPES : [...TYPES, type];
}

/** What is asked for when a run starts. */
export function FlowInputs() {
  const { t } = useTranslation("editor");
  const canEdit = useCanEdit();
  const all = useGraph((s) => s.meta.inputs);
  const names = Object.keys(all);
  const change = (name: string, change: Partial<FlowInput>) => {
    const next: FlowInput = { ...all[name], ...change };
    if (next.default === undefined) delete next.default;
    setEntry("inputs", name, next as Json);
  };
  return (
    <div className={classes.section}>
      <h3>{t("flow.inputs")}</h3>
      {names.map((name) => (
        <div key={name} className={inputs.input}>
          <TextInput value={name} readOnly aria-label={t("name.label")} />
          <Select
            data={typesWith(all[name]?.type).map((value) => ({
              value,
              label: t(`type.${value}` as "type.Text", { defaultValue: value }),
            }))}
            value={all[name]?.type ?? "Text"}
            readOnly={!canEdit}
            aria-label={t("flow.inputType", { name })}
            onChange={(type) => type && change(name, { type })}
          />
          <RemoveEntry name={name} disabled={!canEdit} onRemove={() => setEntry("inputs", name)} />
          <div className={inputs.default}>
            <JsonField
              label={t("flow.inputDefault", { name })}
              value={all[name]?.default}
              readOnly={!canEdit}
              onChange={(value) => change(name, { default: value } as Partial<FlowInput>)}
            />
          </div>
        </div>
      ))}
      {canEdit ? (
        <NewName
          label={t("flow.newInput")}
          taken={new Set(names)}
          onAdd={(name) => setEntry("inputs", name, { type: "Text" })}
        />
      ) : (
        names.length === 0 && <p className={classes.about}>{t("flow.noInputs")}</p>
      )}
    </div>
  );
}
