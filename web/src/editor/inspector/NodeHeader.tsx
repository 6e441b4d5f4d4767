import { IconLayoutSidebarRightCollapse } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { specTexts } from "@/api/catalogue";
import type { NodeSpec } from "@/api/types";
import { useCanEdit } from "@/canvas/hooks";
import { setField } from "@/flow/commands";
import { usePresence } from "@/flow/presence";
import type { FlowNode } from "@/flow/types";
import { CategoryTile } from "@/ui/NodeIcon";
import { useHint } from "../shortcuts/hint";
import { useEditorUi } from "../ui";
import classes from "./Inspector.module.css";

/** The icon and the name of the node, and who else has it open. */
export function NodeHeader({ node, spec }: { node: FlowNode; spec: NodeSpec | undefined }) {
  const { t, i18n } = useTranslation("editor");
  const canEdit = useCanEdit();
  const title = spec ? specTexts(spec, i18n.language).name : node.type;
  return (
    <div className={classes.head}>
      <CategoryTile name={spec?.icon} category={spec?.category} small />
      <input
        className={classes.name}
        value={node.name ?? ""}
        placeholder={title}
        readOnly={!canEdit}
        maxLength={200}
        aria-label={t("card.name")}
        data-testid="node-name"
        onChange={(event) => setField(node.id, "name", event.target.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter" && !event.nativeEvent.isComposing) event.currentTarget.blur();
        }}
      />
      <Here id={node.id} />
      <CloseInspector />
    </div>
  );
}

function Here({ id }: { id: string }) {
  const { t } = useTranslation("editor");
  const names = usePresence((s) =>
    [...new Set(s.peers.filter((p) => p.panel === id).map((p) => p.user.name))].join(", "),
  );
  if (names === "") return null;
  return (
    <span className={classes.here} data-testid="panel-presence" title={names}>
      {t("inspector.here", { names })}
    </span>
  );
}

export function CloseInspector() {
  const hint = useHint();
  return (
    <button
      type="button"
      className={classes.tool}
      onClick={() => useEditorUi.setState({ inspectorOpen: false })}
      {...hint("view.inspector")}
    >
      <IconLayoutSidebarRightCollapse size={17} stroke={1.6} />
    </button>
  );
}
