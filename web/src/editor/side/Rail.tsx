import { IconAlertTriangle, IconCommand, IconKeyboard, IconPlus } from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useProblems } from "@/canvas/problems";
import { openPalette } from "../paletteStore";
import { useHint } from "../shortcuts/hint";
import { type Panel, togglePanel, useEditorUi } from "../ui";
import classes from "./Rail.module.css";

const ICON = { size: 18, stroke: 1.6 };

/** The narrow bar at the left: each sign opens a panel, one at a time. */
export function Rail() {
  const { t } = useTranslation("editor");
  const hint = useHint();
  const errors = useProblems((s) => s.errors);
  const count = useProblems((s) => s.all.length);
  return (
    <nav className={classes.rail} aria-label={t("rail.label")}>
      <Entry panel="add" words={hint("add.panel")}>
        <IconPlus {...ICON} />
      </Entry>
      <Entry panel="problems" words={hint("view.problems", t("rail.problems", { count }))}>
        <IconAlertTriangle {...ICON} />
        {count > 0 && (
          <em data-severity={errors > 0 ? "error" : "warning"}>{count > 99 ? "99+" : count}</em>
        )}
      </Entry>
      <span className={classes.space} />
      <button type="button" onClick={openPalette} {...hint("view.palette")}>
        <IconCommand {...ICON} />
      </button>
      <button
        type="button"
        onClick={() => useEditorUi.setState({ shortcutsOpen: true })}
        {...hint("view.shortcuts")}
      >
        <IconKeyboard {...ICON} />
      </button>
    </nav>
  );
}

interface EntryProps {
  panel: Panel;
  words: React.ButtonHTMLAttributes<HTMLButtonElement>;
  children: ReactNode;
}

function Entry({ panel, words, children }: EntryProps) {
  const open = useEditorUi((s) => s.panel === panel);
  return (
    <button
      type="button"
      aria-expanded={open}
      aria-controls="side-panel"
      data-testid={`rail-${panel}`}
      onClick={() => togglePanel(panel)}
      {...words}
    >
      {children}
    </button>
  );
}
