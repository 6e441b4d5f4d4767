import { ActionIcon, Tooltip } from "@mantine/core";
import { IconArrowBackUp } from "@tabler/icons-react";
import { type ReactNode, useId } from "react";
import { useTranslation } from "react-i18next";
import type { Json, Problem } from "@/api/types";
import { Marked } from "@/ui/marked";
import { Control } from "./Control";
import { useForm } from "./context";
import classes from "./Form.module.css";
import { ProblemLines } from "./ProblemLines";
import { type Path, pathOf, problemsUnder } from "./problems";
import type { Shape } from "./schema";
import { labelOf } from "./words";

interface FieldProps {
  path: Path;
  shape: Shape;
  required: boolean;
  value: Json | undefined;
  onChange: (value: Json | undefined) => void;
}

/** These say about each of their entries what is wrong with it. */
const BY_ENTRY = new Set(["rows", "list", "map", "group"]);

/** It has no value yet, which is no mistake: the name above says what is to be filled in. */
const isMissing = (problem: Problem): boolean => problem.code === "check.missing_setting";

/** One setting: its name, control, description and problems. */
export function Field({ path, shape, required, value, onChange }: FieldProps) {
  const { t } = useTranslation("form");
  const form = useForm();
  const id = useId();
  const { title, description } = labelOf(form.spec, path, shape.schema, form.language);
  const under = problemsUnder(form.problems, path);
  const own = BY_ENTRY.has(shape.kind)
    ? under.filter((problem) => pathOf(problem).length === path.length)
    : under;
  const control = (
    <Control
      path={path}
      shape={shape}
      value={value}
      onChange={onChange}
      label={title}
      labelId={id}
      invalid={!under.every(isMissing)}
    />
  );
  const head = (
    <Head
      id={id}
      title={title}
      shape={shape}
      required={required}
      changed={value !== undefined && !form.readOnly}
      onReset={() => onChange(undefined)}
    />
  );
  const testId = path.length === 1 ? `setting-${path[0]}` : undefined;
  return (
    <div className={classes.field} data-testid={testId} data-kind={shape.kind}>
      {shape.kind === "boolean" ? (
        <div className={classes.switchRow}>
          {head}
          {control}
        </div>
      ) : (
        <>
          {head}
          {control}
        </>
      )}
      {description && (
        <p className={classes.description}>
          <Marked text={description} />
        </p>
      )}
      {own.some(isMissing) && <p className={classes.stillOpen}>{t("field.open")}</p>}
      <ProblemLines problems={own.filter((problem) => !isMissing(problem))} />
    </div>
  );
}

interface HeadProps {
  id: string;
  title: string;
  shape: Shape;
  required: boolean;
  changed: boolean;
  onReset: () => void;
}

function Head({ id, title, shape, required, changed, onReset }: HeadProps) {
  const { t } = useTranslation("form");
  return (
    <div className={classes.head}>
      <span className={classes.title} id={id}>
        {title}
        {required && (
          <span className={classes.required} title={t("required")}>
            *<span className="visually-hidden">{t("required")}</span>
          </span>
        )}
      </span>
      {changed && !required && (
        <Tooltip label={t("reset")}>
          <ActionIcon
            className={classes.reset ?? ""}
            size={18}
            aria-label={`${t("reset")}: ${title}`}
            onClick={onReset}
          >
            <IconArrowBackUp size={13} stroke={1.8} />
          </ActionIcon>
        </Tooltip>
      )}
      <Aside shape={shape} />
    </div>
  );
}

function holdsExpressions({ kind, item }: Shape): boolean {
  if (kind === "map") return item?.kind === "expression";
  return kind === "rows" && !!item?.fields?.some((field) => field.shape.kind === "expression");
}

/** A unit or kind in small letters at the end of the name. */
function Aside({ shape }: { shape: Shape }): ReactNode {
  const { t } = useTranslation("form");
  const unit = shape.schema["x-unit"];
  const text =
    unit ??
    (shape.kind === "expression"
      ? t("kind.expression")
      : holdsExpressions(shape)
        ? t("kind.expressions")
        : shape.kind === "template"
          ? t("kind.template")
          : "");
  return text ? <span className={classes.aside}>{text}</span> : null;
}
