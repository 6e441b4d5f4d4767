import { Button } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { EventRow } from "./EventRow";
import classes from "./Triggers.module.css";
import { useTriggerEvents } from "./triggers";

/** What happened lately, the newest first. */
export function EventList({ flowId }: { flowId: string }) {
  const { t } = useTranslation("triggers");
  const [pages, setPages] = useState(1);
  const [opened, setOpened] = useState<string | null>(null);
  const events = useTriggerEvents(flowId, pages).data;
  if (!events) return null;
  return (
    <section className={classes.events}>
      <h3>{t("events")}</h3>
      {events.items.length === 0 ? (
        <p className={classes.note}>{t("events.none")}</p>
      ) : (
        <ul>
          {events.items.map((event) => (
            <EventRow
              key={event.id}
              event={event}
              flowId={flowId}
              opened={opened === event.id}
              onToggle={() => setOpened((before) => (before === event.id ? null : event.id))}
            />
          ))}
        </ul>
      )}
      {events.next_cursor && (
        <Button size="compact-sm" onClick={() => setPages((before) => before + 1)}>
          {t("events.more")}
        </Button>
      )}
    </section>
  );
}
