import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { NodeSpec, Problem } from "@/api/types";
import { useColumns } from "@/editor/inspector/useColumns";
import { useNames } from "@/editor/inspector/useNames";
import { useGraph } from "@/flow/store";
import { FormContext } from "@/settings/context";
import { ExpressionControl } from "@/settings/controls/ExpressionControl";
import { ProblemLines } from "@/settings/ProblemLines";
import type { Shape } from "@/settings/schema";
import { useSpec } from "../hooks";
import classes from "./BreakpointPopover.module.css";
import { checkOf } from "./condition";

const NONE: Problem[] = [];
/** What every condition may name. */
const ALWAYS = ["index", "scope"];

interface ConditionFieldProps {
  node: string;
  /** Whether it looks at what the node gave. */
  after: boolean;
  ports: readonly string[];
  value: string;
  onChange: (condition: string) => void;
}

/** The same field as in settings: what can be named is completed, what is wrong is told. */
export function ConditionField({ node, after, ports, value, onChange }: ConditionFieldProps) {
  const { t, i18n } = useTranslation("editor");
  const type = useGraph((s) => s.nodes[node]?.type ?? "");
  const spec = useSpec(type);
  const columns = useColumns(node, after ? "output" : "input");
  const ofFlow = useNames();
  const problems = useQuery({ ...checkOf(value, ports), retry: false }).data ?? NONE;
  const language = i18n.language;
  const form = useMemo(
    () => ({
      spec: spec as NodeSpec,
      language,
      readOnly: false,
      columns,
      names: [...new Set([...ports, ...ALWAYS, ...ofFlow])],
      problems,
      texts: {},
      onFix: undefined,
    }),
    [spec, language, columns, ports, ofFlow, problems],
  );
  const shape = useMemo<Shape>(
    () => ({
      kind: "expression",
      nullable: false,
      schema: { type: "string", "x-placeholder": t("breakpoint.conditionHint") },
    }),
    [t],
  );
  return (
    <FormContext value={form}>
      <div className={classes.condition}>
        <span>{t("breakpoint.condition")}</span>
        <ExpressionControl
          path={["condition"]}
          shape={shape}
          value={value}
          onChange={(next) => onChange(typeof next === "string" ? next : "")}
          label={t("breakpoint.condition")}
          invalid={problems.length > 0}
          compact
        />
        <ProblemLines problems={problems} />
      </div>
    </FormContext>
  );
}
