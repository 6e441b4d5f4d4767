/** What is looked for among past runs. */
import type { Environment, RunInfo, RunState } from "@/api/types";

export interface Filter {
  text: string;
  state: RunState | "";
  /** A user's id, or `me`. */
  who: string;
  /** A trigger node, `any`, or `none` for runs that people started. */
  trigger: string;
  env: Environment | "";
  /** Days, as `2026-05-01`. */
  from: string;
  to: string;
}

export const NO_FILTER: Filter = {
  text: "",
  state: "",
  who: "",
  trigger: "",
  env: "",
  from: "",
  to: "",
};

export const isFiltered = (filter: Filter): boolean =>
  Object.values(filter).some((value) => value !== "");

/** The beginning of a day here, and of the one after, as the server takes moments. */
function dayStart(day: string, later = 0): string | undefined {
  if (day === "") return undefined;
  const [year = 0, month = 1, date = 1] = day.split("-").map(Number);
  return new Date(year, month - 1, date + later).toISOString();
}

export type Query = Record<string, string | number | undefined>;

export function queryOf(filter: Filter, flowId: string | null): Query {
  return {
    flow: flowId ?? undefined,
    q: filter.text.trim() || undefined,
    state: filter.state || undefined,
    started_by: filter.who || undefined,
    trigger: filter.trigger || undefined,
    from: dayStart(filter.from),
    to: dayStart(filter.to, 1),
  };
}

/** What the server does not filter by is left out here. */
export function fits(run: RunInfo, filter: Filter): boolean {
  return filter.env === "" || run.env === filter.env;
}
