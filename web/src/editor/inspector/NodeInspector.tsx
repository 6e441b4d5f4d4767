import { useTranslation } from "react-i18next";
import { useSpec } from "@/canvas/hooks";
import { useGraph } from "@/flow/store";
import { type InspectorTab, useEditorUi } from "../ui";
import classes from "./Inspector.module.css";
import { NodeHeader } from "./NodeHeader";
import { NodeLogs } from "./NodeLogs";
import { NodeRecords } from "./NodeRecords";
import { NodeSettings } from "./NodeSettings";

const TABS: InspectorTab[] = ["settings", "input", "output", "logs"];

/** One node: its settings, what went in and came out, and what it said. */
export function NodeInspector({ id }: { id: string }) {
  const node = useGraph((s) => s.nodes[id]);
  const spec = useSpec(node?.type ?? "");
  const tab = useEditorUi((s) => s.inspectorTab);
  if (!node) return null;
  return (
    <>
      <NodeHeader node={node} spec={spec} />
      <Tabs chosen={tab} />
      <div
        className={classes.body}
        role="tabpanel"
        id="inspector-tab"
        aria-labelledby={`tab-${tab}`}
      >
        {tab === "settings" && <NodeSettings node={node} spec={spec} />}
        {(tab === "input" || tab === "output") && <NodeRecords key={tab} id={id} side={tab} />}
        {tab === "logs" && <NodeLogs id={id} />}
      </div>
    </>
  );
}

function Tabs({ chosen }: { chosen: InspectorTab }) {
  const { t } = useTranslation("editor");
  const move = (event: React.KeyboardEvent, tab: InspectorTab) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = TABS[(TABS.indexOf(tab) + step + TABS.length) % TABS.length];
    if (next) useEditorUi.setState({ inspectorTab: next });
    requestAnimationFrame(() => document.getElementById(`tab-${next}`)?.focus());
    event.preventDefault();
  };
  return (
    <div className={classes.tabs} role="tablist" aria-label={t("inspector.tabs")}>
      {TABS.map((tab) => (
        <button
          key={tab}
          id={`tab-${tab}`}
          type="button"
          role="tab"
          aria-selected={tab === chosen}
          aria-controls="inspector-tab"
          tabIndex={tab === chosen ? 0 : -1}
          data-testid={`tab-${tab}`}
          onClick={() => useEditorUi.setState({ inspectorTab: tab })}
          onKeyDown={(event) => move(event, tab)}
        >
          {t(`tab.${tab}`)}
        </button>
      ))}
    </div>
  );
}
