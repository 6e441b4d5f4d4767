import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Failure } from "@/api/types";
import { describeFailure } from "@/ui/errorText";
import classes from "./NodeData.module.css";
import { JsonTree } from "./views/JsonTree";

/** Why something failed, what to do, and below it what the machine said. */
export function FailureBox({ failure, children }: { failure: Failure; children?: ReactNode }) {
  const { t, i18n } = useTranslation("runs");
  const { message, hint } = describeFailure(failure, i18n.language);
  const chain = failure.chain ?? [];
  const hasSample = failure.sample !== undefined && failure.sample !== null;
  return (
    <div className={classes.failure} role="alert" data-testid="failure" data-code={failure.code}>
      <b>{message}</b>
      {hint && <p>{hint}</p>}
      {children}
      {(chain.length > 0 || hasSample) && (
        <details>
          <summary>{t("failure.details")}</summary>
          {failure.scope && <p>{failure.scope}</p>}
          {hasSample && <JsonTree value={{ [t("failure.sample")]: failure.sample ?? null }} />}
          {chain.length > 0 && (
            <pre>{chain.map((cause) => `${cause.type}: ${cause.message}`).join("\n")}</pre>
          )}
        </details>
      )}
    </div>
  );
}
