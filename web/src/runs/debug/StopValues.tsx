import { Button, SegmentedControl } from "@mantine/core";
import { IconPencil } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Json, PortData, RunNodeDetail } from "@/api/types";
import { useSession } from "@/flow/store";
import { inOneLine } from "@/ui/errorText";
import { useErrorText } from "@/ui/useErrorText";
import { Waiting } from "@/ui/Waiting";
import { editValue } from "../control";
import { useRun } from "../store";
import type { Stop } from "../types";
import { PortView } from "../views/PortView";
import { viewsOf } from "../views/shape";
import classes from "./Debug.module.css";
import { JsonEditor } from "./JsonEditor";

const LOOKED_AT = 200;
/** Of streams only what is kept of their beginning can be replaced. */
const MOST_EDITED = 1_000;

/** What a stopped activation holds: the inputs before, the outputs after; to look at and change. */
export function StopValues({ stop }: { stop: Stop }) {
  const { t } = useTranslation("runs");
  const describe = useErrorText();
  const runId = useRun((s) => s.runId);
  const side = stop.when === "after" ? "output" : "input";
  const [chosen, setChosen] = useState<string | null>(null);
  const detail = useQuery({
    // What is not kept anywhere yet is not asked for.
    enabled: stop.ports.length > 0,
    queryKey: ["stop", runId, stop.at, stop.when, stop.edited, stop.values],
    queryFn: ({ signal }) =>
      api.get<RunNodeDetail>(
        `/runs/${runId}/nodes/${stop.node}`,
        { side, scope: stop.scope || undefined, limit: LOOKED_AT },
        signal,
      ),
    placeholderData: (before) => before,
  });
  const ports = portsOf(stop, detail.data, side);
  const names = Object.keys(ports);
  const name = names.find((each) => each === chosen) ?? names[0];
  if (name === undefined) {
    if (detail.isLoading) return <Waiting />;
    const why = detail.error ? inOneLine(describe(detail.error)) : t("stopped.nothing");
    return <p className={classes.none}>{why}</p>;
  }
  return (
    <div className={classes.values} data-testid="stop-values">
      {names.length > 1 && (
        <SegmentedControl
          size="xs"
          aria-label={t("data.port")}
          data={names.map((each) => ({
            value: each,
            label: stop.edited.includes(each) ? `${each} •` : each,
          }))}
          value={name}
          onChange={setChosen}
        />
      )}
      <Value key={name} stop={stop} name={name} data={ports[name] as PortData} />
    </div>
  );
}

/** The values by port: what the server keeps of them, else what the stop itself told. */
function portsOf(
  stop: Stop,
  detail: RunNodeDetail | undefined,
  side: "input" | "output",
): Record<string, PortData> {
  const kept = (side === "input" ? detail?.inputs : detail?.outputs) ?? {};
  const found: Record<string, PortData> = { ...kept };
  for (const [port, ref] of Object.entries(stop.values)) {
    if (found[port] || ref.inline === undefined) continue;
    found[port] = {
      type: ref.type ?? "",
      kind: "value",
      count: ref.count ?? 1,
      value: ref.inline,
      offset: 0,
      truncated: false,
      missing: false,
    };
  }
  return found;
}

function contentOf(data: PortData): Json {
  return (data.kind === "records" ? (data.records ?? []) : (data.value ?? null)) as Json;
}

function Value({ stop, name, data }: { stop: Stop; name: string; data: PortData }) {
  const { t } = useTranslation("runs");
  const describe = useErrorText();
  const viewer = useSession((s) => s.role === "viewer");
  const [draft, setDraft] = useState<Json | undefined>(undefined);
  const [busy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState("");
  const edited = stop.edited.includes(name);
  const partial = data.truncated || (data.kind === "records" && data.count > MOST_EDITED);

  async function open(): Promise<void> {
    setTrouble("");
    if (data.kind === "records" && (data.records?.length ?? 0) < data.count) {
      setBusy(true);
      try {
        setDraft(await whole(stop, name));
      } catch (error) {
        setTrouble(inOneLine(describe(error)));
      }
      setBusy(false);
    } else setDraft(contentOf(data));
  }

  async function save(value: Json): Promise<void> {
    setBusy(true);
    setTrouble("");
    try {
      await editValue(stop.at, name, value);
      setDraft(undefined);
    } catch (error) {
      setTrouble(inOneLine(describe(error)));
    }
    setBusy(false);
  }

  if (draft !== undefined) {
    return (
      <JsonEditor
        label={t("edit.label", { port: name })}
        value={draft}
        busy={busy}
        trouble={trouble}
        onSave={(value) => void save(value)}
        onCancel={() => setDraft(undefined)}
      />
    );
  }
  return (
    <div className={classes.value}>
      <div className={classes.valueHead}>
        <b>{name}</b>
        {data.type && <code>{data.type}</code>}
        {edited && (
          <span className={classes.edited} data-testid="value-edited">
            {t("edit.edited")}
          </span>
        )}
        <span className={classes.space} />
        <Button
          size="compact-xs"
          loading={busy}
          disabled={viewer || partial}
          title={partial ? t("edit.tooLarge") : undefined}
          leftSection={<IconPencil size={13} stroke={1.8} />}
          data-testid="edit-value"
          onClick={() => void open()}
        >
          {t("edit.open")}
        </Button>
      </div>
      {trouble && (
        <p className={classes.trouble} role="alert">
          {trouble}
        </p>
      )}
      <div className={classes.valueView}>
        <PortView
          port={data}
          view={viewsOf(data, false)[0] ?? "json"}
          settings={{}}
          onMore={undefined}
        />
      </div>
    </div>
  );
}

async function whole(stop: Stop, port: string): Promise<Json> {
  const { runId } = useRun.getState();
  const side = stop.when === "after" ? "output" : "input";
  const query = { side, port, scope: stop.scope || undefined, limit: MOST_EDITED };
  const detail = await api.get<RunNodeDetail>(`/runs/${runId}/nodes/${stop.node}`, query);
  const data = (side === "input" ? detail.inputs : detail.outputs)[port];
  return data ? contentOf(data) : null;
}
