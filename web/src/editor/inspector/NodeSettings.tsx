import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import type * as Y from "yjs";
import { specTexts } from "@/api/catalogue";
import type { Json, NodeSpec } from "@/api/types";
import { useCanEdit } from "@/canvas/hooks";
import { useProblems } from "@/canvas/problems";
import { useCover } from "@/flow/asItWas";
import { setSetting } from "@/flow/commands";
import { textsOf } from "@/flow/schema";
import { current } from "@/flow/session";
import type { FlowNode } from "@/flow/types";
import { SchemaForm } from "@/settings/SchemaForm";
import { Marked } from "@/ui/marked";
import { useFixTitle } from "../fixTitle";
import { repair } from "../side/ProblemsPanel";
import classes from "./Inspector.module.css";
import { Policies } from "./Policies";
import { useColumns } from "./useColumns";
import { useNames } from "./useNames";
import { useWantedSetting } from "./wanted";

const SHORT = 90;

/** The shared texts of a node, by setting. */
function useTexts(node: FlowNode): Record<string, Y.Text> {
  const covered = useCover((s) => s.covered);
  return useMemo(() => {
    if (covered) return {};
    const map = current()?.roots.nodes.get(node.id);
    return Object.fromEntries(map ? (textsOf(map)?.entries() ?? []) : []);
  }, [node, covered]);
}

/** What a node is set to do. */
export function NodeSettings({ node, spec }: { node: FlowNode; spec: NodeSpec | undefined }) {
  const { t, i18n } = useTranslation("editor");
  const canEdit = useCanEdit();
  const all = useProblems((s) => s.all);
  const problems = useMemo(() => all.filter((p) => p.node === node.id), [all, node.id]);
  const texts = useTexts(node);
  const columns = useColumns(node.id);
  const names = useNames();
  const fixTitle = useFixTitle();
  const form = useWantedSetting(node.id);
  if (!spec) return <p className={classes.empty}>{t("card.missing", { type: node.type })}</p>;
  return (
    <>
      <About key={spec.type} text={specTexts(spec, i18n.language).marked} />
      <div className={classes.form} ref={form}>
        <SchemaForm
          key={node.id}
          spec={spec}
          values={node.settings as Record<string, Json>}
          texts={texts}
          readOnly={!canEdit}
          problems={problems}
          columns={columns}
          names={names}
          onChange={(key, value) => setSetting(node.id, key, value)}
          onFix={(fix) => repair(fix, fixTitle(fix))}
        />
      </div>
      <Policies node={node} />
    </>
  );
}

/** What the type does: its first lines, all of it when asked. */
function About({ text }: { text: string }) {
  const { t } = useTranslation("editor");
  const [open, setOpen] = useState(false);
  const long = text.length > SHORT;
  const shown = text.replace(/\s*\n\s*/g, " ");
  return (
    <p className={classes.about} data-clamped={long && !open}>
      <Marked text={shown} />
      {long && (
        <button type="button" aria-expanded={open} onClick={() => setOpen(!open)}>
          {t(open ? "about.less" : "about.more")}
        </button>
      )}
    </p>
  );
}
