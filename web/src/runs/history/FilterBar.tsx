import { Button, Select, TextInput } from "@mantine/core";
import { IconSearch } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { Environment, RunInfo, RunState } from "@/api/types";
import { type Filter, isFiltered, NO_FILTER } from "./filter";
import classes from "./History.module.css";

const STATES: readonly RunState[] = [
  "running",
  "paused",
  "completed",
  "failed",
  "cancelled",
  "ready",
];
const ENVS: readonly Environment[] = ["local", "processes", "ray"];

interface FilterBarProps {
  filter: Filter;
  onFilter: (filter: Filter) => void;
  /** Among them are the people who can be chosen. */
  runs: readonly RunInfo[];
}

/** Narrows the list of runs down. */
export function FilterBar({ filter, onFilter, runs }: FilterBarProps) {
  const { t } = useTranslation("runs");
  const set = (change: Partial<Filter>) => onFilter({ ...filter, ...change });
  const people = new Map(runs.flatMap(({ started_by: by }) => (by ? [[by.id, by.name]] : [])));
  return (
    <search className={classes.filters} aria-label={t("log.filter")}>
      <TextInput
        size="xs"
        type="search"
        className={classes.search ?? ""}
        aria-label={t("history.search")}
        placeholder={t("history.search")}
        leftSection={<IconSearch size={13} stroke={1.7} />}
        value={filter.text}
        data-testid="history-search"
        onChange={(event) => set({ text: event.currentTarget.value })}
      />
      <Choice
        label={t("history.state")}
        any={t("history.anyState")}
        value={filter.state}
        data={STATES.map((value) => ({ value, label: t(`state.${value}`) }))}
        onChange={(value) => set({ state: value as RunState | "" })}
        testid="history-state"
      />
      <Choice
        label={t("history.who")}
        any={t("history.anybody")}
        value={filter.who}
        data={[
          { value: "me", label: t("history.me") },
          ...[...people].map(([value, label]) => ({ value: value ?? "", label: label ?? "" })),
        ]}
        onChange={(who) => set({ who })}
      />
      <Choice
        label={t("history.trigger")}
        any={t("history.anyTrigger")}
        value={filter.trigger}
        data={[
          { value: "none", label: t("history.byHand") },
          { value: "any", label: t("history.byTrigger") },
        ]}
        onChange={(trigger) => set({ trigger })}
      />
      <Choice
        label={t("history.env")}
        any={t("history.anyEnv")}
        value={filter.env}
        data={ENVS.map((value) => ({ value, label: t(`env.${value}`) }))}
        onChange={(value) => set({ env: value as Environment | "" })}
      />
      <div className={classes.period}>
        <Day
          label={t("history.from")}
          most={filter.to}
          value={filter.from}
          onChange={(from) => set({ from })}
        />
        <Day
          label={t("history.to")}
          least={filter.from}
          value={filter.to}
          onChange={(to) => set({ to })}
        />
      </div>
      {isFiltered(filter) && (
        <Button size="compact-xs" variant="subtle" onClick={() => onFilter(NO_FILTER)}>
          {t("history.clear")}
        </Button>
      )}
    </search>
  );
}

interface DayProps {
  label: string;
  least?: string;
  most?: string;
  value: string;
  onChange: (value: string) => void;
}

/** One end of the time in which runs began. */
function Day({ label, least, most, value, onChange }: DayProps) {
  return (
    // biome-ignore lint/a11y/noLabelWithoutControl: the field is inside.
    <label className={classes.day}>
      {label}
      <TextInput
        size="xs"
        type="date"
        min={least || undefined}
        max={most || undefined}
        value={value}
        onChange={(event) => onChange(event.currentTarget.value)}
      />
    </label>
  );
}

interface ChoiceProps {
  label: string;
  any: string;
  value: string;
  data: { value: string; label: string }[];
  onChange: (value: string) => void;
  testid?: string;
}

function Choice({ label, any, value, data, onChange, testid }: ChoiceProps) {
  return (
    <Select
      size="xs"
      w={112}
      aria-label={label}
      title={label}
      data-testid={testid}
      data={[{ value: "", label: any }, ...data]}
      value={value}
      onChange={(next) => onChange(next ?? "")}
    />
  );
}
