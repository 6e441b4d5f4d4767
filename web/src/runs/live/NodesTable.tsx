import { useTranslation } from "react-i18next";
import type { LiveNodeInfo } from "@/api/types";
import { showActivation } from "@/editor/run/debug";
import { useFormats } from "@/ui/format";
import { compare, useDepths, useNodeLook } from "../nodes";
import { Sparkline } from "../views/Sparkline";
import classes from "./Live.module.css";
import { useLiveNodes, useTrends } from "./useLive";

const COLUMNS = ["in", "out", "trend", "busy", "blocked", "queued", "lag", "failed"] as const;
const HELP: Partial<Record<(typeof COLUMNS)[number], string>> = {
  trend: "live.trendHelp",
  busy: "live.busyHelp",
  blocked: "live.blockedHelp",
  queued: "live.queuedHelp",
  lag: "live.lagHelp",
  failed: "live.failedHelp",
};

/** The nodes of a live run: records a second, how busy they are, how far behind. */
export function NodesTable() {
  const { t } = useTranslation("runs");
  const info = useLiveNodes();
  const trends = useTrends(info);
  const depths = useDepths();
  const names = Object.keys(info?.nodes ?? {}).sort((a, b) =>
    compare(depths.get(a) ?? Number.POSITIVE_INFINITY, depths.get(b) ?? Number.POSITIVE_INFINITY),
  );
  if (names.length === 0) return <p className={classes.nothing}>{t("live.none")}</p>;
  return (
    <section
      className={classes.nodes}
      aria-label={t("live.nodes")}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolled area must be reachable by keyboard
      tabIndex={0}
    >
      <table className={classes.table} data-testid="live-nodes">
        <thead>
          <tr>
            <th scope="col">{t("live.node")}</th>
            {COLUMNS.map((column) => (
              <th key={column} scope="col" title={HELP[column] && t(HELP[column] as "live.node")}>
                {t(`live.${column}`)}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {names.map((name) => {
            const node = info?.nodes[name];
            return node && <Line key={name} name={name} node={node} trend={trends[name] ?? []} />;
          })}
        </tbody>
      </table>
    </section>
  );
}

interface LineProps {
  name: string;
  node: LiveNodeInfo;
  trend: readonly number[];
}

function Line({ name, node, trend }: LineProps) {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  const look = useNodeLook()(name);
  const rate = (value: number | undefined) => formats.number(value ?? 0, (value ?? 0) < 10 ? 1 : 0);
  const lag = node.lag_ms ?? null;
  const mark = node.watermark ? formats.exact(node.watermark) : "";
  return (
    <tr data-testid={`live-node-${name}`}>
      <th scope="row">
        <button type="button" onClick={() => showActivation(name, "", "output")}>
          {look.name}
        </button>
      </th>
      <td>{rate(node.in_per_s)}</td>
      <td>{rate(node.out_per_s)}</td>
      <td>
        <Sparkline bars={trend} width={48} height={14} />
      </td>
      <td>
        <Share value={node.busy} tone="work" />
      </td>
      <td>
        <Share value={node.blocked} tone="wait" />
      </td>
      <td>{node.queued == null ? "–" : formats.compact(node.queued)}</td>
      <td title={mark && t("live.watermark", { time: mark })}>
        {lag === null ? "–" : formats.duration(lag)}
      </td>
      <td data-bad={(node.failed ?? 0) > 0}>{formats.compact(node.failed ?? 0)}</td>
    </tr>
  );
}

/** A share of the time as a bar with its number. */
function Share({ value, tone }: { value: number | null | undefined; tone: "work" | "wait" }) {
  const formats = useFormats();
  if (value == null) return "–";
  const percent = Math.round(value * 100);
  return (
    <span className={classes.share} data-tone={tone}>
      <i style={{ inlineSize: `${Math.min(100, percent)}%` }} />
      <b>{formats.number(percent)} %</b>
    </span>
  );
}
