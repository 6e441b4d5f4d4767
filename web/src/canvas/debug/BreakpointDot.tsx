import { useTranslation } from "react-i18next";
import { toggleBreakpoints, useBreakpoints } from "@/flow/breakpoints";
import { usePresence } from "@/flow/presence";
import { useCanvas } from "../state";
import classes from "./BreakpointDot.module.css";

/** In the corner of a card: whether a run stops there. Others' breakpoints are a ring. */
export function BreakpointDot({ id }: { id: string }) {
  const { t } = useTranslation("editor");
  const own = useBreakpoints((s) => s.byNode[id]);
  const others = usePresence((s) => s.stoppedBy[id]);
  const edit = () => useCanvas.setState({ breakpointOf: id });
  const title = own
    ? own.condition
      ? t("breakpoint.conditional", { condition: own.condition })
      : t("breakpoint.remove")
    : others
      ? t("breakpoint.others", { names: others })
      : t("breakpoint.add");
  const kind = own?.condition || (own?.hits ?? 1) > 1 ? "conditional" : "plain";
  return (
    <button
      type="button"
      className={`nodrag nopan ${classes.dot}`}
      tabIndex={-1}
      aria-pressed={own !== undefined}
      aria-label={title}
      title={title}
      data-testid="breakpoint"
      data-set={own !== undefined}
      data-on={own?.enabled ?? false}
      data-kind={kind}
      data-others={others !== undefined}
      onClick={(event) => {
        event.stopPropagation();
        if (event.altKey) edit();
        else toggleBreakpoints([id]);
      }}
      onDoubleClick={(event) => event.stopPropagation()}
      onContextMenu={(event) => {
        event.preventDefault();
        event.stopPropagation();
        edit();
      }}
    />
  );
}
