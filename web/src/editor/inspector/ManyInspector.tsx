import { useTranslation } from "react-i18next";
import { COMMANDS, type CommandId, perform, possible } from "../shortcuts/commands";
import { capsText } from "../shortcuts/keys";
import classes from "./Inspector.module.css";
import { CloseInspector } from "./NodeHeader";

const ACTIONS: CommandId[] = [
  "edit.tidy",
  "edit.duplicate",
  "edit.copy",
  "edit.disable",
  "view.fitSelection",
  "edit.delete",
];

/** Several nodes: what can be done to all of them. */
export function ManyInspector({ ids }: { ids: string[] }) {
  const { t } = useTranslation("editor");
  return (
    <>
      <div className={classes.head}>
        <h2>{t("inspector.many", { count: ids.length })}</h2>
        <CloseInspector />
      </div>
      <div className={classes.actions}>
        {ACTIONS.map((id) => (
          <button key={id} type="button" disabled={!possible(id)} onClick={() => perform(id)}>
            {t(`command.${id}`)}
            <kbd>{capsText(COMMANDS[id].keys[0] ?? "")}</kbd>
          </button>
        ))}
      </div>
    </>
  );
}
