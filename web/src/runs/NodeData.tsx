import { SegmentedControl } from "@mantine/core";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type { NodeState, PortData, RunNodeDetail } from "@/api/types";
import { inOneLine } from "@/ui/errorText";
import { useFormats } from "@/ui/format";
import { useErrorText } from "@/ui/useErrorText";
import { Waiting } from "@/ui/Waiting";
import { useNodeDetail, usePort, wholePort } from "./data";
import { StopValues } from "./debug/StopValues";
import { FailureBox } from "./FailureBox";
import { CalledLinks } from "./history/CalledLinks";
import classes from "./NodeData.module.css";
import { ActivationBar } from "./node/ActivationBar";
import { ForkButton } from "./node/ForkButton";
import { PinButton } from "./node/PinButton";
import { type NodeLook, useLookOf } from "./nodes";
import { PortTools } from "./PortTools";
import { type ShownActivation, useShownOf } from "./shown";
import { useRun } from "./store";
import type { Stop } from "./types";
import { PortView } from "./views/PortView";
import { type View, viewsOf } from "./views/shape";
import { shownOf } from "./views/shown";

export interface NodeDataProps {
  runId: string | null;
  nodeId: string;
  side: "output" | "input";
}

/** What went into a node or came out of it in a run, in the round that is shown. */
export function NodeData({ runId, nodeId, side }: NodeDataProps) {
  const shown = useShownOf(nodeId);
  const stop = useStopOf(shown, side);
  return (
    <div className={classes.whole}>
      <ActivationBar shown={shown} />
      <CalledLinks runId={runId} path={shown.path} scope={shown.scope} />
      {stop ? (
        <div className={classes.stopped}>
          <StopValues key={stop.at} stop={stop} />
        </div>
      ) : (
        <Kept runId={runId} nodeId={shown.path} scope={shown.scope} side={side} />
      )}
      {runId !== null && side === "input" && !stop && <ForkButton path={shown.path} />}
    </div>
  );
}

/** Where the activation that is shown stands still on this side, its values may be changed. */
function useStopOf({ path, scope }: ShownActivation, side: "output" | "input"): Stop | null {
  const when = side === "input" ? "before" : "after";
  return useRun(
    ({ stops }) =>
      stops.find(
        (stop) =>
          stop.node === path && stop.when === when && (scope === null || stop.scope === scope),
      ) ?? null,
  );
}

interface KeptProps extends NodeDataProps {
  scope: string | null;
}

function Kept({ runId, nodeId, side, scope }: KeptProps) {
  const { t } = useTranslation("runs");
  const describe = useErrorText();
  const detail = useNodeDetail(runId, nodeId, side, scope);
  const first = detail.data?.pages[0];
  if (runId === null) return <Note text={t("data.no_run")} />;
  if (detail.error && !first) {
    return <Note text={inOneLine(describe(detail.error))} />;
  }
  if (!first) return <Waiting />;
  return (
    <Ports
      key={`${nodeId}.${side}`}
      scope={scope}
      runId={runId}
      pages={detail.data?.pages ?? []}
      first={first}
      nodeId={nodeId}
      side={side}
      onMore={
        detail.hasNextPage && !detail.isFetchingNextPage
          ? () => void detail.fetchNextPage({ cancelRefetch: false })
          : undefined
      }
      fetching={detail.isFetching}
    />
  );
}

function Note({ text }: { text: string }) {
  return <p className={classes.note}>{text}</p>;
}

interface PortsProps {
  runId: string;
  scope: string | null;
  pages: RunNodeDetail[];
  first: RunNodeDetail;
  nodeId: string;
  side: "output" | "input";
  fetching: boolean;
  onMore: (() => void) | undefined;
}

function portsOf(detail: RunNodeDetail, side: "output" | "input"): string[] {
  return Object.keys(side === "output" ? detail.outputs : detail.inputs);
}

function Ports({ runId, scope, pages, first, nodeId, side, fetching, onMore }: PortsProps) {
  const look = useLookOf(nodeId);
  const names = portsOf(first, side);
  const [chosen, setChosen] = useState<string | null>(null);
  const name = names.find((each) => each === chosen) ?? names[0] ?? null;
  const port = usePort(pages, side, name);
  const failure = side === "output" ? first.failure : null;
  const incomplete = port !== null && (port.records?.length ?? 0) < port.count;
  return (
    <div className={classes.data} data-fetching={fetching || undefined}>
      {failure && <FailureBox failure={failure} />}
      {port && name !== null ? (
        <OnePort
          key={name}
          scope={scope}
          runId={runId}
          nodeId={nodeId}
          side={side}
          port={port}
          look={look}
          names={names}
          name={name}
          onName={setChosen}
          onMore={incomplete ? onMore : undefined}
        />
      ) : (
        !failure && <Missing nodeId={nodeId} side={side} state={first.state} />
      )}
    </div>
  );
}

/** Why there is nothing to see. */
function Missing({ nodeId, side, state }: { nodeId: string; side: string; state: NodeState }) {
  const { t } = useTranslation("runs");
  const live = useRun((run) => run.nodes[nodeId]?.state) ?? state;
  return <Note text={side === "input" ? t("data.no_input") : t(`data.none.${live}`)} />;
}

interface OnePortProps {
  runId: string;
  scope: string | null;
  nodeId: string;
  side: "output" | "input";
  port: PortData;
  look: NodeLook | null;
  names: string[];
  name: string;
  onName: (name: string) => void;
  onMore: (() => void) | undefined;
}

function OnePort(props: OnePortProps) {
  const { runId, scope, nodeId, side, look, names, name, onName } = props;
  const { t } = useTranslation("runs");
  const { port, columns } = useMemo(
    () => shownOf(look?.type, side === "output" ? (look?.settings ?? {}) : {}, props.port),
    [look, side, props.port],
  );
  const onMore = (port.records?.length ?? 0) < port.count ? props.onMore : undefined;
  const isChart = look?.type === "show.chart";
  const views = viewsOf(port, isChart);
  const [wanted, setWanted] = useState<View | null>(null);
  const view = wanted && views.includes(wanted) ? wanted : (views[0] ?? "json");
  return (
    <>
      <div className={classes.bar}>
        {names.length > 1 && (
          <SegmentedControl
            size="xs"
            aria-label={t("data.port")}
            data={names}
            value={name}
            onChange={onName}
          />
        )}
        <Facts port={port} total={props.port.count} />
        {views.length > 1 && (
          <SegmentedControl
            size="xs"
            aria-label={t("data.view")}
            data={views.map((each) => ({ value: each, label: t(`view.${each}`) }))}
            value={view}
            onChange={(next) => setWanted(next as View)}
          />
        )}
        {side === "output" && <PinButton path={nodeId} />}
        <PortTools
          port={port}
          title={look?.name ?? name}
          whole={async () => {
            const whole = await wholePort({ runId, nodeId, scope, side, port: name }, props.port);
            return shownOf(look?.type, look?.settings ?? {}, whole).port;
          }}
        />
      </div>
      <div className={classes.view} data-view={view}>
        <PortView
          port={port}
          view={view}
          settings={look?.settings ?? {}}
          columns={columns}
          onMore={onMore}
        />
      </div>
    </>
  );
}

function Facts({ port, total }: { port: PortData; total: number }) {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  const lives = useRun((run) => run.mode === "streaming");
  const limited = port.kind === "records" && port.count < total;
  const text = limited
    ? t("data.records_of", { shown: formats.number(port.count), total: formats.number(total) })
    : port.kind === "records"
      ? t("data.records", { count: port.count, shown: formats.number(port.count) })
      : Array.isArray(port.value)
        ? t("data.items", { count: port.value.length, shown: formats.number(port.value.length) })
        : "";
  return (
    <span className={classes.facts}>
      <code>{port.type}</code>
      {text}
      {port.truncated && !limited && <em>{t(lives ? "data.newest" : "data.truncated")}</em>}
    </span>
  );
}
