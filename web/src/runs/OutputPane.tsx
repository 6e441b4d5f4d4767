import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { pathOfNode } from "@/flow/breakpoints";
import { setSelection, useGraph } from "@/flow/store";
import { useFormats } from "@/ui/format";
import { CategoryTile } from "@/ui/NodeIcon";
import { bestOf, totalOf } from "./best";
import classes from "./Dock.module.css";
import { NodeData } from "./NodeData";
import { compare, type NodeLook, ownNodeNow, useDepths, useNodeLook } from "./nodes";
import { isInner } from "./scopes";
import { type NodeRun, useRun } from "./store";

interface Item {
  look: NodeLook;
  run: NodeRun;
}

function useItems(): Item[] {
  const nodes = useRun((run) => run.nodes);
  const look = useNodeLook();
  const depths = useDepths();
  return useMemo(() => {
    const depth = (item: Item) => depths.get(ownNodeNow(item.look.id) ?? "") ?? 0;
    const begun = (item: Item) => item.run.startedAt ?? Number.POSITIVE_INFINITY;
    return Object.entries(nodes)
      .filter(([path, run]) => run.state !== "idle" && !(run.state === "queued" && isInner(path)))
      .map(([id, run]) => ({ look: look(id), run }))
      .sort((a, b) => compare(begun(a), begun(b)) || depth(a) - depth(b));
  }, [nodes, look, depths]);
}

/** What the nodes of the run gave out, one node at a time. */
export function OutputPane() {
  const { t } = useTranslation("runs");
  const runId = useRun((run) => run.runId);
  const items = useItems();
  const selection = useGraph((graph) => graph.selection);
  const [kept, setKept] = useState<string | null>(null);
  const has = (id: string | null | undefined) => items.some((item) => item.look.id === id);
  const chosen = selection.length === 1 ? (selection[0] ?? null) : null;
  const selected = chosen && (has(pathOfNode(chosen)) ? pathOfNode(chosen) : chosen);
  const wanted = has(selected) ? selected : has(kept) ? kept : null;
  const current = wanted ?? bestOf(items);
  if (runId === null || items.length === 0) {
    return <div className={classes.empty}>{t("dock.nothing")}</div>;
  }
  function choose(id: string): void {
    setKept(id);
    const own = ownNodeNow(id);
    if (own) setSelection([own]);
  }
  return (
    <div className={classes.output}>
      <nav className={classes.nodes} aria-label={t("output.nodes")}>
        {items.map((item) => (
          <NodeButton
            key={item.look.id}
            item={item}
            current={item.look.id === current}
            onChoose={choose}
          />
        ))}
      </nav>
      {current && <NodeData runId={runId} nodeId={current} side="output" />}
    </div>
  );
}

interface NodeButtonProps {
  item: Item;
  current: boolean;
  onChoose: (id: string) => void;
}

function NodeButton({ item, current, onChoose }: NodeButtonProps) {
  const formats = useFormats();
  const { look, run } = item;
  const button = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (current) button.current?.scrollIntoView?.({ block: "nearest" });
  }, [current]);
  const total = totalOf(run);
  return (
    <button
      ref={button}
      type="button"
      className={classes.node}
      aria-current={current}
      data-node-id={look.id}
      onClick={() => onChoose(look.id)}
    >
      <CategoryTile name={look.icon} category={look.category} small />
      <span>{look.name}</span>
      <em>{run.state === "failed" ? "✕" : total > 0 ? formats.compact(total) : ""}</em>
    </button>
  );
}
