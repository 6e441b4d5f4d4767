import { ViewportPortal } from "@xyflow/react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { frameAround, headHeight } from "@/flow/frames";
import { isContainer } from "@/flow/nesting";
import type { Op } from "@/flow/patch";
import { boxOf } from "@/flow/scene";
import type { Box } from "@/flow/size";
import { useSpecs } from "../hooks";
import { useCanvas } from "../state";
import classes from "./LoopPreview.module.css";

/** What a patch puts into a new container. */
export interface Wrapping {
  type: string;
  members: string[];
}

export function wrappingOf(ops: readonly Op[]): Wrapping | null {
  const { specs } = useSpecs.getState();
  const made = ops.find((op) => op.op === "add_node" && isContainer(op.node, specs));
  if (made?.op !== "add_node") return null;
  const members = ops.flatMap((op) =>
    op.op === "set_field" && op.field === "parent" && op.value === made.id ? [op.node] : [],
  );
  return { type: made.node.type, members };
}

/** The frame that a fix would draw, before it is applied. */
export function LoopPreview() {
  const { t } = useTranslation("editor");
  const wrapping = useCanvas((s) => s.preview);
  const specs = useSpecs((s) => s.specs);
  const spec = wrapping ? specs.get(wrapping.type) : undefined;
  const frame = useMemo(() => {
    if (!wrapping || !spec?.inside) return null;
    const boxes = new Map<string, Box>();
    for (const id of wrapping.members) {
      const box = boxOf(id);
      if (box) boxes.set(id, box);
    }
    const at = { position: { x: 0, y: 0 } };
    const body = new Map([...boxes.keys()].map((id) => [id, "body"]));
    return frameAround(at, spec.inside, headHeight(spec), boxes, body);
  }, [wrapping, spec]);
  if (!frame) return null;
  const { x, y, width, height } = frame;
  return (
    <ViewportPortal>
      <div
        className={classes.frame}
        style={{ transform: `translate(${x}px, ${y}px)`, width, height }}
        data-testid="loop-preview"
      >
        <span>{t("preview.title")}</span>
      </div>
    </ViewportPortal>
  );
}
