import { IconLayoutSidebarRightExpand } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { FlowInfo } from "@/api/types";
import { useGraph } from "@/flow/store";
import { Grip } from "../Grip";
import { useHint } from "../shortcuts/hint";
import { INSPECTOR, useEditorUi } from "../ui";
import { FlowInspector } from "./FlowInspector";
import classes from "./Inspector.module.css";
import { ManyInspector } from "./ManyInspector";
import { NodeInspector } from "./NodeInspector";

/** The panel at the right: the selected node, several of them, or the flow. */
export function Inspector({ flow }: { flow: FlowInfo }) {
  const { t } = useTranslation("editor");
  const hint = useHint();
  const open = useEditorUi((s) => s.inspectorOpen);
  const width = useEditorUi((s) => s.inspectorWidth);
  if (!open) {
    return (
      <div className={classes.closed}>
        <button
          type="button"
          onClick={() => useEditorUi.setState({ inspectorOpen: true })}
          {...hint("view.inspector")}
        >
          <IconLayoutSidebarRightExpand size={18} stroke={1.6} />
        </button>
      </div>
    );
  }
  return (
    <aside
      className={classes.inspector}
      style={{ width }}
      aria-label={t("inspector.label")}
      data-testid="inspector"
    >
      <Grip
        label={t("inspector.resize")}
        side="left"
        size={width}
        range={INSPECTOR}
        onResize={(inspectorWidth) => useEditorUi.setState({ inspectorWidth })}
      />
      <Content flow={flow} />
    </aside>
  );
}

function Content({ flow }: { flow: FlowInfo }) {
  const selection = useGraph((s) => s.selection);
  const nodes = useGraph((s) => s.nodes);
  const chosen = selection.filter((id) => nodes[id]);
  const [only] = chosen;
  if (chosen.length > 1) return <ManyInspector ids={chosen} />;
  return only ? <NodeInspector key={only} id={only} /> : <FlowInspector flow={flow} />;
}
