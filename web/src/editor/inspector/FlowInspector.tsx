import { Textarea } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { FlowInfo } from "@/api/types";
import { useCanEdit } from "@/canvas/hooks";
import { setMeta } from "@/flow/commands";
import { useGraph } from "@/flow/store";
import { When } from "@/ui/When";
import { FlowInputs } from "./FlowInputs";
import { FlowVariables } from "./FlowVariables";
import classes from "./Inspector.module.css";
import { CloseInspector } from "./NodeHeader";

/** The flow itself, while no node is selected. */
export function FlowInspector({ flow }: { flow: FlowInfo }) {
  const { t } = useTranslation("editor");
  const canEdit = useCanEdit();
  const meta = useGraph((s) => s.meta);
  const count = useGraph((s) => Object.keys(s.nodes).length);
  return (
    <>
      <div className={classes.head}>
        <h2>{t("flow.title")}</h2>
        <CloseInspector />
      </div>
      <div className={classes.body} data-testid="flow-inspector">
        <div className={classes.fields}>
          <Textarea
            label={t("flow.description")}
            placeholder={t("flow.descriptionHint")}
            readOnly={!canEdit}
            autosize
            minRows={2}
            maxRows={12}
            maxLength={100_000}
            value={meta.description}
            onChange={(event) => setMeta("description", event.currentTarget.value)}
          />
        </div>
        <FlowInputs />
        <FlowVariables />
        <div className={classes.section}>
          <h3>{t("flow.about")}</h3>
          <dl className={classes.facts}>
            <dt>{t("flow.nodes")}</dt>
            <dd>{count}</dd>
            <dt>{t("flow.created")}</dt>
            <dd>
              <When time={flow.created_at} />
            </dd>
            {flow.created_by && (
              <>
                <dt>{t("flow.createdBy")}</dt>
                <dd>{flow.created_by.name}</dd>
              </>
            )}
          </dl>
        </div>
      </div>
    </>
  );
}
