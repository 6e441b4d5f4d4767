import { Button } from "@mantine/core";
import { IconBolt } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useGraph } from "@/flow/store";
import { togglePanel, useEditorUi } from "../ui";
import classes from "./Triggers.module.css";
import { useTriggerNews, useTriggers } from "./triggers";

/** Opens the triggers of the flow; tells whether it is armed. Not there for flows without any. */
export function TriggersButton({ flowId }: { flowId: string }) {
  const { t } = useTranslation("triggers");
  const open = useEditorUi((s) => s.panel === "triggers");
  const drawn = useGraph((s) =>
    Object.values(s.nodes).some(({ type }) => type.startsWith("trigger.")),
  );
  const state = useTriggers(flowId).data;
  useTriggerNews(flowId);
  const armed = state?.armed === true;
  if (!(drawn || armed || open)) return null;
  const look = !armed ? "off" : state.differs ? "differs" : "on";
  return (
    <Button
      leftSection={<IconBolt size={15} stroke={1.7} />}
      className={classes.button ?? ""}
      aria-expanded={open}
      aria-controls="side-panel"
      title={t(`button.${look}`)}
      data-testid="triggers-button"
      onClick={() => togglePanel("triggers")}
    >
      {t("button")}
      <i className={classes.dot} data-look={look} role="img" aria-label={t(`state.${look}`)} />
    </Button>
  );
}
