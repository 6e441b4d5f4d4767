import { IconChevronRight } from "@tabler/icons-react";
import { Fragment } from "react";
import { useTranslation } from "react-i18next";
import { showActivation } from "@/editor/run/debug";
import { useNodeLook } from "../nodes";
import { around, type Frame, stackOf } from "../scopes";
import type { Stop } from "../types";
import { useRounds } from "../useRounds";
import classes from "./Debug.module.css";

/** From the run through every loop to the node that stands still; each part can be gone to. */
export function CallStack({ stop }: { stop: Pick<Stop, "node" | "scope"> }) {
  const { t } = useTranslation("runs");
  const look = useNodeLook();
  const rounds = useRounds();
  // The node itself stands in the round of its container, which is told there; but it has records.
  const labelOf = ({ node, scope, last }: Frame) =>
    last && !scope.includes("#") ? "" : rounds.round(node, scope);
  const frames = stackOf(stop.node, stop.scope);
  return (
    <nav className={classes.stack} aria-label={t("stack.label")} data-testid="call-stack">
      <span>{t("stack.run")}</span>
      {frames.map((frame) => (
        <Fragment key={`${frame.node}@${frame.scope}`}>
          <IconChevronRight size={12} stroke={1.8} aria-hidden />
          <button
            type="button"
            aria-current={frame.last ? "location" : undefined}
            onClick={() =>
              showActivation(frame.node, frame.last ? frame.scope : (around(frame.scope) ?? ""))
            }
          >
            {look(frame.node).name}
            {labelOf(frame) && <i>{labelOf(frame)}</i>}
          </button>
        </Fragment>
      ))}
    </nav>
  );
}
