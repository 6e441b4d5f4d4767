import { Button } from "@mantine/core";
import { Panel, ViewportPortal } from "@xyflow/react";
import { useEffect, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useNodeName } from "@/editor/useNodeName";
import { frameAround, headHeight } from "@/flow/frames";
import { isContainer } from "@/flow/nesting";
import { applyPatch, type Op } from "@/flow/patch";
import { boxOf } from "@/flow/scene";
import type { Box } from "@/flow/size";
import { useSpecs } from "../hooks";
import { useCanvas } from "../state";
import { showBox } from "../view";
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
  const { i18n } = useTranslation("editor");
  const name = useNodeName();
  const list = new Intl.ListFormat(i18n.language, { type: "conjunction" });
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
  useEffect(() => {
    if (frame) showBox(frame);
  }, [frame]);
  if (!frame || !wrapping) return null;
  const names = list.format(wrapping.members.map(name));
  const { x, y, width, height } = frame;
  return (
    <>
      <ViewportPortal>
        <div
          className={classes.frame}
          style={{ transform: `translate(${x}px, ${y}px)`, width, height }}
          data-testid="loop-preview"
        />
      </ViewportPortal>
      <Panel position="top-center">
        <Asking names={names} loops={wrapping.type === "control.while"} />
      </Panel>
    </>
  );
}

const end = (): void => useCanvas.setState({ preview: null });

function apply(): void {
  const { preview } = useCanvas.getState();
  end();
  if (preview) applyPatch(preview.patch, preview.title);
}

/** What the new container would hold, and the question whether it should. */
function Asking({ names, loops }: { names: string; loops: boolean }) {
  const { t } = useTranslation("editor");
  return (
    <div
      className={`nodrag nopan ${classes.asking}`}
      role="dialog"
      aria-label={t("preview.title")}
      data-testid="loop-asking"
    >
      <p>{t("preview.members", { names })}</p>
      {loops && <p>{t("preview.then")}</p>}
      <Button size="compact-sm" variant="filled" onClick={apply}>
        {t("preview.apply")}
      </Button>
      <Button size="compact-sm" variant="subtle" onClick={end}>
        {t("run.cancel")}
      </Button>
    </div>
  );
}
