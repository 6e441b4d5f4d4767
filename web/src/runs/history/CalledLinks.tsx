import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { RunInfo } from "@/api/types";
import { useFormats } from "@/ui/format";
import { RunBadge } from "@/ui/RunBadge";
import { useLookOf } from "../nodes";
import { isActive, useRun } from "../store";
import classes from "./Called.module.css";
import { placeOf, useCalledRuns, useFlowName } from "./called";

const CALL = "flow.call";
const MOST = 8;

interface CalledLinksProps {
  runId: string | null;
  /** The node's path in the run, and the activation that is shown. */
  path: string;
  scope: string | null;
}

/** Of a node that calls a flow as a run of its own: the ways to that run. */
export function CalledLinks({ runId, path, scope }: CalledLinksProps) {
  const look = useLookOf(path);
  const calls = look?.type === CALL && look.settings.isolated === true;
  if (runId === null || !calls) return null;
  return <Links runId={runId} path={path} scope={scope} />;
}

function Links({ runId, path, scope }: CalledLinksProps & { runId: string }) {
  const { t } = useTranslation("called");
  const active = useRun((run) => isActive(run.state));
  const { runs } = useCalledRuns(runId, { node: path, scope }, active);
  if (runs.length === 0) return null;
  return (
    <nav className={classes.links} aria-label={t("node")} data-testid="called-links">
      <span>{t("node")}</span>
      {runs.slice(-MOST).map((run) => (
        <CalledLink key={run.id} run={run} />
      ))}
    </nav>
  );
}

function CalledLink({ run }: { run: RunInfo }) {
  const { t } = useTranslation("called");
  const formats = useFormats();
  const flow = useFlowName(run.flow_id);
  return (
    <Link href={placeOf(run)} aria-label={t("open", { number: run.number, flow })}>
      <RunBadge state={run.state} />
      {flow}, {t("number", { number: run.number })}
      {run.duration_ms != null && <span>{formats.duration(run.duration_ms)}</span>}
    </Link>
  );
}
