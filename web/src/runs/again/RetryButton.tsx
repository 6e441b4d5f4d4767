import { Button, Popover, Radio } from "@mantine/core";
import { IconAlertTriangle, IconRefresh } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { AgainPlan } from "@/api/types";
import { retry } from "@/editor/run/run";
import { uncover } from "@/flow/asItWas";
import { useSession } from "@/flow/store";
import { inOneLine } from "@/ui/errorText";
import { useErrorText } from "@/ui/useErrorText";
import type { FlowChoice } from "../control";
import { useNodeLook } from "../nodes";
import { useRun } from "../store";
import { showThen, useHasChanged } from "../then";
import classes from "./Again.module.css";
import { useRetryPlan } from "./plan";

const MOST = 6;

/** Runs again what failed; where the flow has changed since, one is asked of which flow. */
export function RetryButton() {
  const { t } = useTranslation("runs");
  const viewer = useSession((s) => s.role === "viewer");
  const changed = useHasChanged();
  const [asking, setAsking] = useState(false);
  const button = (
    <Button
      size="compact-xs"
      disabled={viewer}
      leftSection={<IconRefresh size={12} stroke={2} />}
      title={t(changed ? "again.changed" : "again.text")}
      onClick={() => (changed ? setAsking(!asking) : void retry("as_it_was"))}
      data-testid="retry-run"
    >
      {t("again.short")}
    </Button>
  );
  if (!changed) return button;
  return (
    <Popover
      opened={asking}
      onChange={setAsking}
      position="top-end"
      width={380}
      shadow="md"
      trapFocus
      withinPortal
    >
      <Popover.Target>{button}</Popover.Target>
      <Popover.Dropdown className={classes.box ?? ""}>
        {asking && <Choice onDone={() => setAsking(false)} />}
      </Popover.Dropdown>
    </Popover>
  );
}

/** Which flow is tried again, and what that means. */
function Choice({ onDone }: { onDone: () => void }) {
  const { t } = useTranslation("runs");
  const runId = useRun((s) => s.runId);
  const current = useRetryPlan(runId, "current");
  const former = useRetryPlan(runId, "as_it_was");
  const [chosen, setChosen] = useState<FlowChoice | null>(null);
  const flow = chosen ?? (current.error ? "as_it_was" : "current");
  const plan = flow === "current" ? current : former;
  const start = () => {
    onDone();
    uncover();
    void retry(flow);
  };
  return (
    <div data-testid="retry-choice">
      <Radio.Group
        value={flow}
        onChange={(value) => setChosen(value as FlowChoice)}
        label={t("again.title")}
      >
        <Option value="current" plan={current.data} error={current.error} />
        <Option value="as_it_was" plan={former.data} error={former.error} />
      </Radio.Group>
      {plan.data && <Plan plan={plan.data} />}
      <div className={classes.actions}>
        <Button
          size="compact-sm"
          variant="subtle"
          onClick={() => {
            onDone();
            showThen();
          }}
        >
          {t("then.show")}
        </Button>
        <Button
          size="compact-sm"
          variant="filled"
          disabled={!plan.data}
          data-testid="retry-start"
          onClick={start}
        >
          {t("again.start")}
        </Button>
      </div>
    </div>
  );
}

interface OptionProps {
  value: FlowChoice;
  plan: AgainPlan | undefined;
  error: Error | null;
}

function Option({ value, plan, error }: OptionProps) {
  const { t } = useTranslation("runs");
  const describe = useErrorText();
  const text = error
    ? inOneLine(describe(error))
    : plan
      ? t("again.count", { count: plan.again?.length ?? 0, taken: plan.taken_over?.length ?? 0 })
      : "…";
  return (
    <Radio
      value={value}
      size="xs"
      className={classes.option ?? ""}
      label={t(`again.${value}`)}
      description={text}
      disabled={error !== null}
      data-testid={`retry-${value}`}
    />
  );
}

/** The nodes that run, and why; before all else effects that are done once more. */
export function Plan({ plan }: { plan: AgainPlan }) {
  const { t } = useTranslation("runs");
  const look = useNodeLook();
  const name = (path: string) => look(path).name;
  const again = plan.again ?? [];
  const effects = plan.effects ?? [];
  return (
    <>
      {effects.length > 0 && (
        <p className={classes.warning} role="alert" data-testid="again-effects">
          <IconAlertTriangle size={14} stroke={1.8} aria-hidden />
          <span>
            {t("again.effects", {
              names: effects
                .map((each) => t("again.effect", { name: name(each.node), count: each.times }))
                .join(t("again.and")),
            })}
          </span>
        </p>
      )}
      <ul className={classes.nodes} data-testid="again-nodes">
        {again.slice(0, MOST).map((each) => (
          <li key={each.node}>
            <b>{name(each.node)}</b>
            <span>
              {t(`again.why.${each.reason}` as "again.why.failed", {
                name: each.because ? name(each.because) : "",
                count: each.kept ?? 0,
              })}
            </span>
          </li>
        ))}
        {again.length > MOST && <li>{t("again.more", { count: again.length - MOST })}</li>}
      </ul>
    </>
  );
}
