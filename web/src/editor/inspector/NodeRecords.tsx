import { SegmentedControl } from "@mantine/core";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { NodeData } from "@/runs/NodeData";
import { useRun } from "@/runs/store";
import { useNodeName } from "../useNodeName";
import classes from "./Inspector.module.css";
import { useFeeds, useLeftOut } from "./upstream";

interface NodeRecordsProps {
  id: string;
  side: "input" | "output";
}

/** What went into a node or came out of it; of a new node, what would go in. */
export function NodeRecords({ id, side }: NodeRecordsProps) {
  const { t } = useTranslation("editor");
  const runId = useRun((s) => s.runId);
  const leftOut = useLeftOut(id);
  const feeds = useFeeds(id);
  if (!leftOut) return <NodeData runId={runId} nodeId={id} side={side} />;
  if (side === "output") return <p className={classes.empty}>{t("data.newOutput")}</p>;
  if (feeds.length === 0) return <p className={classes.empty}>{t("data.newInput")}</p>;
  return <Before id={id} />;
}

/** What the nodes before put out in the run. */
function Before({ id }: { id: string }) {
  const { t } = useTranslation("editor");
  const name = useNodeName();
  const runId = useRun((s) => s.runId);
  const sources = [...new Set(useFeeds(id).map((edge) => edge.source))];
  const [wanted, setWanted] = useState("");
  const source = sources.find((each) => each === wanted) ?? sources[0] ?? "";
  return (
    <div className={classes.before} data-testid="input-before">
      <p>{t("data.before", { name: name(source) })}</p>
      {sources.length > 1 && (
        <SegmentedControl
          size="xs"
          aria-label={t("tab.input")}
          data={sources.map((each) => ({ value: each, label: name(each) }))}
          value={source}
          onChange={setWanted}
        />
      )}
      <div>
        <NodeData key={source} runId={runId} nodeId={source} side="output" />
      </div>
    </div>
  );
}
