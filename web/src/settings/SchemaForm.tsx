import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type * as Y from "yjs";
import type { Fix, Json, NodeSpec, Problem } from "@/api/types";
import { FormContext } from "./context";
import { Field } from "./Field";
import classes from "./Form.module.css";
import { ProblemLines } from "./ProblemLines";
import { problemsBeside } from "./problems";
import { isVisible, settingsOf } from "./schema";

export interface SchemaFormProps {
  spec: NodeSpec;
  values: Readonly<Record<string, Json>>;
  /** Settings that several people may type into at once; they win over `values`. */
  texts?: Readonly<Record<string, Y.Text>>;
  readOnly?: boolean;
  /** Problems of this node; those with a `path` appear at their field. */
  problems?: readonly Problem[];
  /** Names of fields the incoming records have, for suggestions. */
  columns?: readonly string[];
  /** What expressions may name beside them. */
  names?: readonly string[];
  /** One setting changed; undefined returns it to its default. */
  onChange: (key: string, value: Json | undefined) => void;
  onFix?: (fix: Fix) => void;
}

const NO_PROBLEMS: readonly Problem[] = [];
const NO_NAMES: readonly string[] = [];
const NO_TEXTS: Readonly<Record<string, Y.Text>> = {};

/** Fields for the settings of a node, made from its JSON Schema. */
export function SchemaForm(props: SchemaFormProps) {
  const { spec, values, onChange, onFix, readOnly = false } = props;
  const { problems = NO_PROBLEMS, columns = NO_NAMES, names = NO_NAMES, texts = NO_TEXTS } = props;
  const { t, i18n } = useTranslation("form");
  const settings = useMemo(() => settingsOf(spec.settings), [spec.settings]);
  const language = i18n.language;
  const context = useMemo(
    () => ({ spec, language, readOnly, columns, names, problems, texts, onFix }),
    [spec, language, readOnly, columns, names, problems, texts, onFix],
  );
  const beside = useMemo(
    () => problemsBeside(problems, new Set(settings.map((setting) => setting.key))),
    [problems, settings],
  );
  const defaultOf = (key: string): Json | undefined =>
    values[key] ?? spec.settings.properties?.[key]?.default;
  const shown = settings.filter((setting) => isVisible(setting, defaultOf));
  return (
    <FormContext value={context}>
      <div className={classes.form}>
        <ProblemLines problems={beside} />
        {shown.length === 0 && <p className={classes.nothing}>{t("no_settings")}</p>}
        {shown.map(({ key, shape, required }) => (
          <Field
            key={`${spec.type}.${key}`}
            path={[key]}
            shape={shape}
            required={required}
            value={values[key]}
            onChange={(value) => onChange(key, value)}
          />
        ))}
      </div>
    </FormContext>
  );
}
