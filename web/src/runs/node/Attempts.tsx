import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { Failure } from "@/api/types";
import { describeFailure, inOneLine } from "@/ui/errorText";
import { useFormats } from "@/ui/format";
import { activations } from "../activations";
import type { ShownActivation } from "../shown";
import { useRun } from "../store";
import classes from "./Activation.module.css";

/** The attempts of an activation that failed before the last one. */
export function Attempts({ shown }: { shown: ShownActivation }) {
  const { t, i18n } = useTranslation("runs");
  const formats = useFormats();
  const events = useRun((s) => s.events);
  const scope = shown.scope ?? activations.of(shown.path).at(-1)?.scope ?? "";
  const failed = useMemo(
    () =>
      events.filter(
        (event) =>
          event.type === "node_retrying" &&
          event.node === shown.path &&
          String(event.scope ?? "") === scope,
      ),
    [events, shown.path, scope],
  );
  if (failed.length === 0) return null;
  return (
    <ol className={classes.attempts} data-testid="node-attempts">
      {failed.map((event) => (
        <li key={event.seq}>
          <b>{t("run.attempts", { count: Number(event.attempt ?? 1) })}</b>
          <span>
            {event.failure
              ? inOneLine(describeFailure(event.failure as Failure, i18n.language))
              : formats.duration(Number(event.delay_s ?? 0) * 1000)}
          </span>
        </li>
      ))}
    </ol>
  );
}
