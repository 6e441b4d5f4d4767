import { Button } from "@mantine/core";
import { IconBolt } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useCanEdit } from "@/canvas/hooks";
import { useSession } from "@/flow/store";
import { When } from "@/ui/When";
import { EventList } from "./EventList";
import { TriggerCard } from "./TriggerCard";
import classes from "./Triggers.module.css";
import { type TriggerState, useArm, useTriggers } from "./triggers";

/** What starts the flow by itself: its triggers, whether they are armed, and what they brought. */
export function TriggersPanel() {
  const { t } = useTranslation("triggers");
  const flowId = useSession((s) => s.flowId);
  const state = useTriggers(flowId).data;
  if (!state) return null;
  if (state.triggers.length === 0 && !state.armed) {
    return (
      <div className={classes.none}>
        <IconBolt size={22} stroke={1.5} aria-hidden />
        <p>{t("none")}</p>
      </div>
    );
  }
  return (
    <div className={classes.body}>
      <ArmedState state={state} flowId={flowId} />
      <ul className={classes.cards}>
        {state.triggers.map((trigger) => (
          <TriggerCard key={trigger.node} trigger={trigger} flowId={flowId} />
        ))}
      </ul>
      <EventList flowId={flowId} />
    </div>
  );
}

/** Whether events start the flow, and as which version of it. */
function ArmedState({ state, flowId }: { state: TriggerState; flowId: string }) {
  const { t } = useTranslation("triggers");
  const canEdit = useCanEdit();
  const arm = useArm(flowId);
  const look = !state.armed ? "off" : state.differs ? "differs" : "on";
  return (
    <section className={classes.armed} data-look={look} data-testid="armed-state">
      <b>
        <i className={classes.dot} data-look={look} aria-hidden />
        {t(`state.${look}`)}
      </b>
      <p>
        {t(`lead.${look}`)}{" "}
        {state.armed_at && (
          <span className={classes.by}>
            {state.armed_by ? t("armedBy", { name: state.armed_by.name }) : t("armedAt")}{" "}
            <When time={state.armed_at} />
          </span>
        )}
      </p>
      {canEdit && (
        <div className={classes.actions}>
          {look !== "on" && (
            <Button
              variant="filled"
              loading={arm.isPending && arm.variables}
              data-testid="arm"
              onClick={() => arm.mutate(true)}
            >
              {t(look === "off" ? "arm" : "armAgain")}
            </Button>
          )}
          {state.armed && (
            <Button
              loading={arm.isPending && !arm.variables}
              data-testid="disarm"
              onClick={() => arm.mutate(false)}
            >
              {t("disarm")}
            </Button>
          )}
        </div>
      )}
    </section>
  );
}
