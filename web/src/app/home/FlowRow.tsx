import { useTranslation } from "react-i18next";
import { When } from "@/ui/When";
import { type FlowItemProps, RunButton, useRename } from "./FlowCard";
import { FlowMenu } from "./FlowMenu";
import { FlowName } from "./FlowName";
import { FlowPicture } from "./FlowPicture";
import classes from "./Flows.module.css";
import { LastRun } from "./LastRun";

/** A flow as a row of the list. */
export function FlowRow({ flow, run, actions, onDelete }: FlowItemProps) {
  const { t } = useTranslation("home");
  const rename = useRename(flow, actions);
  return (
    <tr className={classes.row} data-testid="flow-card" data-flow-id={flow.id}>
      <td className={classes.thumb}>
        <FlowPicture preview={flow.preview} width={72} height={40} margin={5} />
      </td>
      <td className={classes.rowName}>
        <FlowName flow={flow} editing={rename.editing} onDone={rename.done} />
      </td>
      <td className={classes.rowPurpose}>
        {flow.description || <span className={classes.muted}>{t("flow.no_purpose")}</span>}
      </td>
      <td>
        <LastRun run={run} />
      </td>
      <td className={classes.muted}>
        <When time={flow.updated_at} />
      </td>
      <td>
        <div className={classes.rowActions}>
          <RunButton flow={flow} run={run} actions={actions} />
          <FlowMenu
            flow={flow}
            actions={actions}
            onRename={rename.start}
            onDelete={() => onDelete(flow)}
          />
        </div>
      </td>
    </tr>
  );
}
