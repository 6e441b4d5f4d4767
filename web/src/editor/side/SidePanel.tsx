import { ActionIcon } from "@mantine/core";
import { IconX } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { Palette } from "@/canvas/add/Palette";
import { TriggersPanel } from "../triggers/TriggersPanel";
import { type Panel, useEditorUi } from "../ui";
import { ProblemsPanel } from "./ProblemsPanel";
import classes from "./SidePanel.module.css";

const CONTENTS: Record<Panel, () => React.ReactNode> = {
  add: Palette,
  problems: ProblemsPanel,
  triggers: TriggersPanel,
};

/** The panel beside the rail. */
export function SidePanel() {
  const { t } = useTranslation("editor");
  const panel = useEditorUi((s) => s.panel);
  if (panel === null) return <span id="side-panel" hidden />;
  const Content = CONTENTS[panel];
  return (
    <aside
      id="side-panel"
      className={classes.panel}
      aria-label={t(`panel.${panel}`)}
      data-testid={`panel-${panel}`}
    >
      <div className={classes.title}>
        <h2>{t(`panel.${panel}`)}</h2>
        <ActionIcon
          size={24}
          aria-label={t("panel.close")}
          onClick={() => useEditorUi.setState({ panel: null })}
        >
          <IconX size={15} stroke={1.7} />
        </ActionIcon>
      </div>
      <Content />
    </aside>
  );
}
