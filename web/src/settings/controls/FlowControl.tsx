import { Autocomplete } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconAlertTriangle, IconArrowUpRight, IconChevronDown } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { FlowInfo } from "@/api/types";
import { useFormats } from "@/ui/format";
import type { ShapedProps } from "../Control";
import { useForm } from "../context";
import { useDraft } from "../draft";
import form from "../Form.module.css";
import classes from "./FlowControl.module.css";
import { type Choice, isFlowId, useChoices, useNamed } from "./useCallable";

const PAUSE_MS = 150;

/** A flow: chosen among those of the workspace, or typed; below it the way to it. */
export function FlowControl({ shape, value, onChange, label, invalid = false }: ShapedProps) {
  const { t } = useTranslation("form");
  const { readOnly } = useForm();
  const [focused, setFocused] = useState(false);
  const stored = typeof value === "string" ? value : "";
  const draft = useDraft(stored, (text: string) =>
    onChange(text === "" && shape.schema.default !== "" ? undefined : text),
  );
  const [typed, setTyped] = useState("");
  const [asked] = useDebouncedValue(typed, PAUSE_MS);
  const choices = useChoices(asked.trim(), focused && !readOnly);
  const byValue = new Map(choices.map((choice) => [choice.value, choice]));
  return (
    <div data-testid="flow-control">
      <Autocomplete
        aria-label={label}
        autoComplete="off"
        spellCheck={false}
        readOnly={readOnly}
        error={invalid}
        placeholder={t("flow.choose")}
        {...(shape.schema.maxLength !== undefined && { maxLength: shape.schema.maxLength })}
        data={[...byValue.keys()]}
        filter={({ options }) => options}
        renderOption={({ option }) => {
          const choice = byValue.get(option.value);
          return choice ? <Line choice={choice} /> : option.value;
        }}
        maxDropdownHeight={260}
        value={draft.value}
        onChange={(text) => {
          draft.change(text);
          setTyped(text);
        }}
        onOptionSubmit={(chosen) => draft.set(chosen)}
        // What is chosen already hides none of the others.
        onFocus={() => {
          setTyped("");
          setFocused(true);
        }}
        onBlur={() => {
          setFocused(false);
          draft.commit();
        }}
        onKeyDown={(event) => event.key === "Enter" && draft.commit()}
        rightSection={<IconChevronDown size={15} stroke={1.7} aria-hidden />}
        rightSectionPointerEvents="none"
      />
      {stored !== "" && <Below key={stored} stored={stored} />}
    </div>
  );
}

function Line({ choice: { flow, ambiguous } }: { choice: Choice }) {
  const formats = useFormats();
  const more = ambiguous
    ? `${flow.created_by.name} · ${formats.relative(flow.updated_at)}`
    : flow.description;
  return (
    <span className={classes.line} data-testid="flow-choice" data-flow={flow.id}>
      <b>{flow.name}</b>
      {more && <i>{more}</i>}
    </span>
  );
}

/** The way to the flow that is named, or why there is none. */
function Below({ stored }: { stored: string }) {
  const { t } = useTranslation("form");
  const found = useNamed(stored);
  if (found === undefined) return null;
  const [flow] = found;
  if (flow && found.length === 1) return <Open flow={flow} />;
  const gone = isFlowId(stored) ? "flow.goneId" : "flow.gone";
  return (
    <p
      className={`${form.problem} ${classes.trouble}`}
      data-severity="warning"
      data-testid={flow ? "flow-several" : "flow-missing"}
    >
      <IconAlertTriangle size={14} stroke={1.8} aria-hidden />
      <span className={form.problemText}>{t(flow ? "flow.several" : gone, { name: stored })}</span>
    </p>
  );
}

function Open({ flow }: { flow: FlowInfo }) {
  const { t } = useTranslation("form");
  return (
    <Link className={classes.open ?? ""} href={`/flows/${flow.id}`} data-testid="open-called-flow">
      {t("flow.open", { name: flow.name })}
      <IconArrowUpRight size={13} stroke={1.8} aria-hidden />
    </Link>
  );
}
