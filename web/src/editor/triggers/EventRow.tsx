import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { RunState } from "@/api/types";
import { useCanEdit } from "@/canvas/hooks";
import { attachRun } from "@/runs/store";
import { RunBadge } from "@/ui/RunBadge";
import { When } from "@/ui/When";
import { useNodeName } from "../useNodeName";
import classes from "./Triggers.module.css";
import { type TriggerEvent, useReplay, useTriggerEvent } from "./triggers";

interface EventRowProps {
  event: TriggerEvent;
  flowId: string;
  opened: boolean;
  onToggle: () => void;
}

/** One event and what became of it; opened, what it carried. */
export function EventRow({ event, flowId, opened, onToggle }: EventRowProps) {
  const { t } = useTranslation("triggers");
  const name = useNodeName();
  return (
    <li className={classes.event} data-testid="trigger-event" data-state={event.state}>
      <button type="button" aria-expanded={opened} onClick={onToggle}>
        <i data-state={event.state} aria-hidden />
        <span className={classes.words}>
          <b>
            {t(`event.${event.state}`)}
            {event.count > 1 && ` ×${event.count}`}
          </b>
          <span>
            {name(event.node)} · <When time={event.received_at} />
          </span>
        </span>
      </button>
      {event.run_id && event.run_state && (
        <button
          type="button"
          className={classes.run}
          title={t("event.showRun")}
          data-testid="event-run"
          onClick={() => void attachRun(event.run_id as string)}
        >
          {event.run_number != null && <span>#{event.run_number}</span>}
          <RunBadge state={event.run_state as RunState} />
        </button>
      )}
      {opened && <Details event={event} flowId={flowId} />}
    </li>
  );
}

const REPEATABLE = new Set(["started", "appended", "skipped", "failed"]);

function Details({ event, flowId }: { event: TriggerEvent; flowId: string }) {
  const { t } = useTranslation("triggers");
  const canEdit = useCanEdit();
  const replay = useReplay(flowId);
  const data = useTriggerEvent(flowId, event.id).data;
  return (
    <div className={classes.details}>
      {event.reason && <p>{t(`reason.${event.reason}`, { defaultValue: event.reason })}</p>}
      {event.delivery_id && (
        <p>
          {t("event.delivery")} <code>{event.delivery_id}</code>
        </p>
      )}
      {event.due_at && (
        <p>
          {t("event.due")} <When time={event.due_at} />
        </p>
      )}
      {data?.payload && <pre>{JSON.stringify(data.payload, null, 2)}</pre>}
      {canEdit && REPEATABLE.has(event.state) && (
        <Button
          size="compact-sm"
          loading={replay.isPending}
          onClick={() => replay.mutate(event.id)}
        >
          {t("event.replay")}
        </Button>
      )}
    </div>
  );
}
