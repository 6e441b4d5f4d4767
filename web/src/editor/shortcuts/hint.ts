import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { COMMANDS, type CommandId } from "./commands";
import { ariaKeys, capsText } from "./keys";

interface Hint {
  title: string;
  "aria-label": string;
  "aria-keyshortcuts"?: string;
}

/** The words and the keys of a command, for the button that does it. */
export function useHint(): (id: CommandId, words?: string) => Hint {
  const { t } = useTranslation("editor");
  return useCallback(
    (id, words) => {
      const label = words ?? t(`command.${id}`);
      const keys = COMMANDS[id].keys[0];
      if (!keys) return { title: label, "aria-label": label };
      const title = `${label} (${capsText(keys)})`;
      return { title, "aria-label": label, "aria-keyshortcuts": ariaKeys(keys) };
    },
    [t],
  );
}
