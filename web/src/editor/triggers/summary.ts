/** What a trigger waits for, in a line. */
import type { TFunction } from "i18next";
import type { TriggerInfo } from "./triggers";

/** A setting as text; lists are joined. */
function text(value: unknown): string {
  return Array.isArray(value) ? value.join(", ") : value == null ? "" : String(value);
}

/** Five fields; everything else is a distance, for which the time zone makes no difference. */
const CRON = /^\s*(\S+\s+){4}\S+\s*$/;

export function summary(trigger: TriggerInfo, t: TFunction<"triggers">): string {
  const settings: Record<string, unknown> = trigger.settings ?? {};
  switch (trigger.type) {
    case "trigger.schedule":
      return CRON.test(text(settings.when))
        ? `${text(settings.when)} · ${text(settings.timezone)}`
        : text(settings.when);
    case "trigger.file_watch":
      return text(settings.pattern);
    case "trigger.message":
      return t("queue", { name: text(settings.queue) });
    case "trigger.flow_ended":
      return t(`ends.${text(settings.ends)}` as "ends.any");
    case "trigger.webhook":
      return text(settings.methods);
    default:
      return "";
  }
}
