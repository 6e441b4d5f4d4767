import { Button, Modal, SegmentedControl } from "@mantine/core";
import { IconGitFork } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import type { Json, PortData, RunNodeDetail } from "@/api/types";
import { fork } from "@/editor/run/run";
import { useSession } from "@/flow/store";
import { inOneLine } from "@/ui/errorText";
import { notify } from "@/ui/notify";
import { useErrorText } from "@/ui/useErrorText";
import { useForkPlan } from "../again/plan";
import { Plan } from "../again/RetryButton";
import type { FlowChoice } from "../control";
import { parsed, written } from "../debug/json";
import { useLookOf } from "../nodes";
import { isOver, useRun } from "../store";
import { useHasChanged } from "../then";
import classes from "./Fork.module.css";

const MOST = 1_000;

/** Of a run that is over: begins another one at this node, with other inputs. */
export function ForkButton({ path }: { path: string }) {
  const { t } = useTranslation("runs");
  const describe = useErrorText();
  const over = useRun((s) => isOver(s.state));
  const took = useRun((s) => s.nodes[path] !== undefined);
  const runId = useRun((s) => s.runId);
  const viewer = useSession((s) => s.role === "viewer");
  const [inputs, setInputs] = useState<Record<string, PortData> | null>(null);
  // Inside a loop there are many places to go on from, and none of them is the beginning of it.
  if (!over || !took || path.includes("/")) return null;
  async function open(): Promise<void> {
    try {
      const query = { side: "input", limit: MOST };
      const detail = await api.get<RunNodeDetail>(`/runs/${runId}/nodes/${path}`, query);
      setInputs(detail.inputs);
    } catch (error) {
      notify.error({ text: inOneLine(describe(error)), stay: 8000 });
    }
  }
  return (
    <div className={classes.foot}>
      <Button
        size="compact-sm"
        disabled={viewer}
        leftSection={<IconGitFork size={14} stroke={1.7} />}
        data-testid="fork"
        onClick={() => void open()}
      >
        {t("fork.open")}
      </Button>
      {inputs && <ForkDialog path={path} inputs={inputs} onClose={() => setInputs(null)} />}
    </div>
  );
}

interface ForkDialogProps {
  path: string;
  inputs: Record<string, PortData>;
  onClose: () => void;
}

const contentOf = (data: PortData | undefined): Json =>
  (data?.kind === "records" ? (data.records ?? []) : (data?.value ?? null)) as Json;

/** The inputs of the node, to be changed before it runs again. */
function ForkDialog({ path, inputs, onClose }: ForkDialogProps) {
  const { t } = useTranslation("runs");
  const describe = useErrorText();
  const number = useRun((s) => s.number);
  const runId = useRun((s) => s.runId);
  const look = useLookOf(path);
  const ports = Object.keys(inputs);
  const [port, setPort] = useState(ports[0] ?? "");
  const [texts, setTexts] = useState<Record<string, string>>({});
  const text = texts[port] ?? written(contentOf(inputs[port]));
  const result = parsed(text);
  const wrong = Object.values(texts).some((each) => !parsed(each).ok);
  const changed = useHasChanged();
  const [flow, setFlow] = useState<FlowChoice>(changed ? "current" : "as_it_was");
  const plan = useForkPlan(changed ? runId : null, path, flow);
  const start = () => {
    const edited: Record<string, Json> = {};
    for (const [name, each] of Object.entries(texts)) {
      const value = parsed(each);
      const same = each === written(contentOf(inputs[name]));
      if (value.ok && !same) edited[name] = value.value;
    }
    onClose();
    void fork(path, edited as never, flow);
  };
  return (
    <Modal
      opened
      onClose={onClose}
      size={560}
      title={t("fork.title", { number: number ?? "", name: look?.name ?? path })}
      closeButtonProps={{ "aria-label": t("edit.cancel") }}
    >
      <p className={classes.text}>{t("fork.text")}</p>
      {ports.length > 1 && (
        <SegmentedControl
          size="xs"
          aria-label={t("data.port")}
          data={ports}
          value={port}
          onChange={setPort}
        />
      )}
      {ports.length > 0 ? (
        <textarea
          className={classes.field}
          aria-label={t("edit.label", { port })}
          aria-invalid={!result.ok}
          spellCheck={false}
          rows={12}
          value={text}
          data-autofocus
          data-testid="fork-value"
          onChange={({ currentTarget: { value } }) =>
            setTexts((now) => ({ ...now, [port]: value }))
          }
        />
      ) : (
        <p className={classes.text}>{t("fork.nothing")}</p>
      )}
      {changed && (
        <>
          <SegmentedControl
            size="xs"
            mt="sm"
            aria-label={t("again.title")}
            data={(["current", "as_it_was"] as const).map((value) => ({
              value,
              label: t(`again.${value}`),
            }))}
            value={flow}
            onChange={(value) => setFlow(value as FlowChoice)}
          />
          {plan.error && <p className={classes.text}>{inOneLine(describe(plan.error))}</p>}
          {plan.data && <Plan plan={plan.data} />}
        </>
      )}
      <div className={classes.actions}>
        <span role="status">
          {!result.ok && t("edit.invalid", { line: result.line, column: result.column })}
        </span>
        <Button onClick={onClose}>{t("edit.cancel")}</Button>
        <Button
          variant="filled"
          disabled={wrong || plan.error !== null}
          data-testid="fork-start"
          onClick={start}
        >
          {t("fork.start")}
        </Button>
      </div>
    </Modal>
  );
}
