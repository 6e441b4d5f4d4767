import { Button } from "@mantine/core";
import { IconArrowLeft } from "@tabler/icons-react";
import { useQueries } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { specTexts, useCatalogue } from "@/api/catalogue";
import { api } from "@/api/client";
import type { FlowFile, NodeState, RunInfo } from "@/api/types";
import { useFormats } from "@/ui/format";
import { RunBadge } from "@/ui/RunBadge";
import { Waiting } from "@/ui/Waiting";
import { useNodeLook } from "../nodes";
import { comparison, type Difference } from "./comparison";
import classes from "./History.module.css";

interface CompareProps {
  a: RunInfo;
  b: RunInfo;
  onBack: () => void;
}

/** How long the nodes of two runs took, side by side; what changed most comes first. */
export function Compare({ a, b, onBack }: CompareProps) {
  const { t } = useTranslation("runs");
  const [one, other] = useQueries({
    queries: [a, b].map((run) => ({
      queryKey: ["run-info", run.id],
      queryFn: () => api.get<RunInfo>(`/runs/${run.id}`),
    })),
  });
  const name = useNamesThen(a.id, b.id);
  const differences = one?.data && other?.data ? comparison(one.data, other.data) : null;
  return (
    <div className={classes.history} data-testid="comparison">
      <div className={classes.head}>
        <Button
          size="compact-sm"
          variant="subtle"
          leftSection={<IconArrowLeft size={14} stroke={1.8} />}
          onClick={onBack}
        >
          {t("history.back")}
        </Button>
        <b>{t("compare.title", { a: a.number, b: b.number })}</b>
      </div>
      {differences === null ? (
        <Waiting />
      ) : (
        <div className={classes.listBox}>
          <table className={classes.compare}>
            <thead>
              <tr>
                <th scope="col">{t("time.node")}</th>
                <Head run={a} />
                <Head run={b} />
                <th scope="col">{t("compare.change")}</th>
              </tr>
            </thead>
            <tbody>
              <Line
                difference={{
                  node: null,
                  a: a.duration_ms ?? null,
                  b: b.duration_ms ?? null,
                }}
                most={0}
                name={name}
              />
              {differences.map((each) => (
                <Line key={each.node} difference={each} most={mostOf(differences)} name={name} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </div>
  );
}

/** What nodes are called; those that the open flow does not know, as the runs knew them. */
function useNamesThen(...ids: string[]): (path: string) => string {
  const look = useNodeLook();
  const { specs } = useCatalogue();
  const { i18n } = useTranslation();
  const flows = useQueries({
    queries: ids.map((id) => ({
      queryKey: ["run-definition", id],
      queryFn: () => api.get<FlowFile>(`/runs/${id}/definition`),
      staleTime: Number.POSITIVE_INFINITY,
    })),
  });
  return (path) => {
    const known = look(path);
    const id = path.slice(path.lastIndexOf("/") + 1);
    const then = flows.findLast((flow) => flow.data?.nodes[id])?.data?.nodes[id];
    if (known.type || !then) return known.name;
    const spec = specs.get(String(then.type));
    return String(then.name ?? (spec ? specTexts(spec, i18n.language).name : then.type));
  };
}

const mostOf = (list: readonly Difference[]): number =>
  Math.max(1, ...list.map(({ a, b }) => Math.max(a ?? 0, b ?? 0)));

function Head({ run }: { run: RunInfo }) {
  const { t } = useTranslation("runs");
  return (
    <th scope="col">
      <span className={classes.runHead}>
        {t("run.number", { number: run.number })} <RunBadge state={run.state} />
      </span>
    </th>
  );
}

interface LineProps {
  difference: Difference;
  most: number;
  name: (path: string) => string;
}

function Line({ difference, most, name }: LineProps) {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  const { node, a, b, states } = difference;
  const change = a !== null && b !== null ? b - a : null;
  return (
    <tr data-total={node === null}>
      <th scope="row">{node === null ? t("compare.total") : name(node)}</th>
      <Took ms={a} most={most} state={states?.[0]} />
      <Took ms={b} most={most} state={states?.[1]} />
      <td
        className={classes.change}
        data-way={change === null || Math.abs(change) < 1 ? "same" : change > 0 ? "more" : "less"}
      >
        {change === null
          ? states?.every(Boolean)
            ? "–"
            : t("compare.only")
          : Math.abs(change) < 1
            ? "="
            : `${change > 0 ? "+" : "−"}${formats.duration(Math.abs(change))}${share(change, a)}`}
      </td>
    </tr>
  );
}

function share(change: number, before: number | null): string {
  if (!before || Math.abs(change) < 1) return "";
  const percent = Math.round((change / before) * 100);
  return ` (${percent > 0 ? "+" : percent < 0 ? "−" : ""}${Math.abs(percent)} %)`;
}

interface TookProps {
  ms: number | null;
  most: number;
  state: NodeState | undefined;
}

/** How long it took; what did not complete says what became of it. */
function Took({ ms, most, state }: TookProps) {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  const ended = state === undefined || state === "completed";
  return (
    <td className={classes.tookCell}>
      <span data-state={state}>
        {[ms === null ? null : formats.duration(ms), ended ? null : t(`node.${state}`)]
          .filter(Boolean)
          .join(" · ") || "–"}
      </span>
      {ms !== null && most > 0 && <i style={{ width: `${(ms / most) * 100}%` }} />}
    </td>
  );
}
