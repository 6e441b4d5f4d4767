import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { api } from "@/api/client";
import type { RunInfo } from "@/api/types";
import { placeOf, useFlowName } from "../history/called";
import { useRun } from "../store";
import classes from "./RunStrip.module.css";

/** Of a run that another one called: the way to that run, and the node in it that called. */
export function CalledBy() {
  const { t } = useTranslation("called");
  const by = useRun((s) => s.calledBy);
  const caller = useQuery({
    queryKey: ["calling-run", by?.run],
    queryFn: ({ signal }) => api.get<RunInfo>(`/runs/${by?.run}`, {}, signal),
    enabled: by != null,
    staleTime: Number.POSITIVE_INFINITY,
    retry: false,
  });
  if (by == null) return null;
  if (caller.isError) return <span className={classes.quiet}>{t("hidden")}</span>;
  return (
    <span data-testid="called-by">
      {t("by")} {caller.data && <Caller run={caller.data} />}{" "}
      <span className={classes.quiet}>{t("place", { node: by.node })}</span>
    </span>
  );
}

function Caller({ run }: { run: RunInfo }) {
  const { t } = useTranslation("called");
  const flow = useFlowName(run.flow_id);
  return <Link href={placeOf(run)}>{t("caller", { flow, number: run.number })}</Link>;
}
