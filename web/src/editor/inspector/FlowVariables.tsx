import { TextInput } from "@mantine/core";
import { IconTrash } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useCanEdit } from "@/canvas/hooks";
import { setEntry } from "@/flow/commands";
import { useGraph } from "@/flow/store";
import classes from "./Inspector.module.css";
import { JsonField } from "./JsonField";
import { NewName } from "./NewName";

/** Values that all nodes can use: `vars.name` in expressions. */
export function FlowVariables() {
  const { t } = useTranslation("editor");
  const canEdit = useCanEdit();
  const variables = useGraph((s) => s.meta.variables);
  const names = Object.keys(variables);
  return (
    <div className={classes.section}>
      <h3>{t("flow.variables")}</h3>
      {names.map((name) => (
        <div key={name} className={classes.entry}>
          <TextInput value={name} readOnly aria-label={t("name.label")} />
          <JsonField
            label={t("value.of", { name })}
            value={variables[name]}
            readOnly={!canEdit}
            onChange={(value) => setEntry("variables", name, value ?? "")}
          />
          <RemoveEntry
            name={name}
            disabled={!canEdit}
            onRemove={() => setEntry("variables", name)}
          />
        </div>
      ))}
      {canEdit ? (
        <NewName
          label={t("flow.newVariable")}
          taken={new Set(names)}
          onAdd={(name) => setEntry("variables", name, "")}
        />
      ) : (
        names.length === 0 && <p className={classes.about}>{t("flow.noVariables")}</p>
      )}
    </div>
  );
}

interface RemoveEntryProps {
  name: string;
  disabled: boolean;
  onRemove: () => void;
}

export function RemoveEntry({ name, disabled, onRemove }: RemoveEntryProps) {
  const { t } = useTranslation("editor");
  const label = t("name.remove", { name });
  return (
    <button
      type="button"
      className={classes.tool}
      disabled={disabled}
      aria-label={label}
      title={label}
      onClick={onRemove}
    >
      <IconTrash size={15} stroke={1.6} />
    </button>
  );
}
