import { Modal } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { COMMAND_IDS, COMMANDS, type Group } from "../shortcuts/commands";
import { caps } from "../shortcuts/keys";
import { useEditorUi } from "../ui";
import classes from "./ShortcutsSheet.module.css";

const GROUPS: Group[] = ["edit", "add", "view", "run"];
const TWICE = new Set(["edit.nudgeFar", "view.nothing"]);

/** All keys, from the same table that makes them work. */
export function ShortcutsSheet() {
  const { t } = useTranslation("editor");
  const open = useEditorUi((s) => s.shortcutsOpen);
  return (
    <Modal
      opened={open}
      onClose={() => useEditorUi.setState({ shortcutsOpen: false })}
      title={t("shortcuts.title")}
      size={720}
      closeButtonProps={{ "aria-label": t("panel.close") }}
    >
      <div className={classes.groups} data-testid="shortcuts">
        {GROUPS.map((group) => (
          <section key={group}>
            <h3>{t(`group.${group}`)}</h3>
            <dl>
              {COMMAND_IDS.filter((id) => COMMANDS[id].group === group && !TWICE.has(id)).map(
                (id) => (
                  <div key={id}>
                    <dt>{t(`command.${id}`)}</dt>
                    <dd>
                      {COMMANDS[id].keys.slice(0, 2).map((keys) => (
                        <Caps key={keys} keys={keys} />
                      ))}
                    </dd>
                  </div>
                ),
              )}
            </dl>
          </section>
        ))}
      </div>
    </Modal>
  );
}

export function Caps({ keys }: { keys: string }) {
  return (
    <span className={classes.caps}>
      {caps(keys).map((cap) => (
        <kbd key={cap}>{cap}</kbd>
      ))}
    </span>
  );
}
