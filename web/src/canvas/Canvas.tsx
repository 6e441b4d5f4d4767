import {
  Background,
  BackgroundVariant,
  ConnectionMode,
  ReactFlow,
  SelectionMode,
  useReactFlow,
  useStore,
} from "@xyflow/react";
import "@xyflow/react/dist/base.css";
import { useEffect, useMemo, useRef } from "react";
import { useTranslation } from "react-i18next";
import { specTexts } from "@/api/catalogue";
import { useGraph } from "@/flow/store";
import type { FlowNode } from "@/flow/types";
import { QuickAdd } from "./add/QuickAdd";
import { ariaLabels } from "./ariaLabels";
import classes from "./Canvas.module.css";
import { Cursors } from "./Cursors";
import { NodeCard } from "./card/NodeCard";
import { ContainerCard } from "./container/ContainerCard";
import { BreakpointPopover } from "./debug/BreakpointPopover";
import { LoopPreview } from "./debug/LoopPreview";
import { EmptyCanvas } from "./EmptyCanvas";
import { ConnectionLine } from "./edge/ConnectionLine";
import { Wire } from "./edge/Wire";
import { bindElements, type CanvasNode, useElements, type WireEdge, type Words } from "./elements";
import { Following } from "./Following";
import { Guides } from "./guides/Guides";
import { useCanEdit, useSpecs } from "./hooks";
import { tidyUp } from "./layout/tidy";
import { FlowMap } from "./Map";
import { NoteCard } from "./note/NoteCard";
import { Overview, useOverview } from "./Overview";
import { useCanvas } from "./state";
import { Tools } from "./Tools";
import { useChanges } from "./useChanges";
import { useConnecting } from "./useConnecting";
import { useDrop } from "./useDrop";
import { useKeepSelected } from "./useKeepSelected";
import { usePointer } from "./usePointer";
import { bindView, keepMiddle, moved, showAll, wholeShown } from "./view";

const NODE_TYPES = { card: NodeCard, container: ContainerCard, note: NoteCard };
const EDGE_TYPES = { wire: Wire };
const NO_NODES: CanvasNode[] = [];
const NO_EDGES: WireEdge[] = [];
const DOTS_APART = 20;
const CULL_FROM = 100;
const PAN_BUTTONS = [1];
const MOUSE_PAN_BUTTONS = [0, 1];

/** The flow: its nodes, edges and notes, and everything that is done to them by hand. */
export function Canvas() {
  const { t } = useTranslation("editor");
  const frame = useRef<HTMLDivElement>(null);
  const instance = useReactFlow<CanvasNode, WireEdge>();
  const specs = useSpecs((s) => s.specs);
  const nodes = useElements((s) => s.nodes);
  const edges = useElements((s) => s.edges);
  const ready = useGraph((s) => s.ready);
  const canEdit = useCanEdit();
  const mouse = useCanvas((s) => s.pointing === "mouse");
  const overview = useOverview();
  const far = useStore(distance);
  const changes = useChanges();
  const connecting = useConnecting();
  const pointer = usePointer();
  const drop = useDrop();
  const keepSelected = useKeepSelected();
  const labels = useMemo(() => ariaLabels(t), [t]);

  const words = useWords();
  useEffect(() => bindElements(specs, words), [specs, words]);
  useEffect(() => {
    bindView(instance, frame.current);
    return () => bindView(null, null);
  }, [instance]);
  useFraming(ready);

  return (
    <section
      ref={frame}
      className={classes.canvas}
      data-testid="canvas"
      data-ready={ready}
      data-far={far}
      aria-label={t("canvas.label")}
      tabIndex={-1}
      onKeyDownCapture={keepSelected}
      {...pointer.frame}
      {...drop}
    >
      <ReactFlow
        nodes={overview ? NO_NODES : nodes}
        edges={overview ? NO_EDGES : edges}
        nodeTypes={NODE_TYPES}
        edgeTypes={EDGE_TYPES}
        {...changes}
        {...connecting}
        {...pointer.flow}
        onMoveStart={moved}
        connectionLineComponent={ConnectionLine}
        connectionMode={ConnectionMode.Strict}
        connectionRadius={26}
        connectOnClick={false}
        nodesConnectable={canEdit}
        nodesDraggable={canEdit}
        edgesReconnectable={canEdit}
        nodeDragThreshold={2}
        onlyRenderVisibleElements={nodes.length > CULL_FROM}
        minZoom={0.05}
        maxZoom={2.5}
        deleteKeyCode={null}
        zoomOnDoubleClick={false}
        panOnScroll={!mouse}
        zoomOnScroll={mouse}
        zoomOnPinch
        panOnDrag={mouse ? MOUSE_PAN_BUTTONS : PAN_BUTTONS}
        selectionOnDrag={!mouse}
        selectionMode={SelectionMode.Partial}
        panActivationKeyCode="Space"
        multiSelectionKeyCode={MULTI}
        elevateNodesOnSelect={false}
        ariaLabelConfig={labels}
        proOptions={PRO}
      >
        <Background
          variant={BackgroundVariant.Dots}
          gap={DOTS_APART}
          size={1.4}
          color="var(--dot)"
        />
        <Cursors />
        <Following />
        <Guides />
        <LoopPreview />
        {!overview && <FlowMap />}
        {overview && <Overview />}
      </ReactFlow>
      {ready && <EmptyCanvas />}
      <Tools onTidy={tidyUp} />
      <QuickAdd />
      <BreakpointPopover />
    </section>
  );
}

/** What a screen reader calls nodes and edges, in the reader's language. */
function useWords(): Words {
  const { t, i18n } = useTranslation("editor");
  const specs = useSpecs((s) => s.specs);
  return useMemo(
    () => ({
      node: (node, inside) => {
        const called = ({ name, type }: FlowNode): string => {
          const spec = specs.get(type);
          return name || (spec ? specTexts(spec, i18n.language).name : type);
        };
        const name = called(node);
        const { count = null, container = null } = inside ?? {};
        const held = count === null ? name : t("aria.container", { name, count });
        return container ? t("aria.inside", { name: held, container: called(container) }) : held;
      },
      edge: (source, target) => t("aria.edgeName", { source, target }),
    }),
    [t, i18n.language, specs],
  );
}

/** From afar a card shows only what can still be read. */
const distance = (s: { transform: [number, number, number] }): "no" | "far" | "farther" =>
  s.transform[2] >= 0.62 ? "no" : s.transform[2] >= 0.4 ? "far" : "farther";

const MULTI = ["Meta", "Control", "Shift"];
const PRO = { hideAttribution: false };

/** Shows the whole flow once it has arrived; when panels change the room, what is seen stays seen. */
function useFraming(ready: boolean): void {
  const some = useElements((s) => s.nodes.length > 0);
  const width = useStore((s) => s.width);
  const height = useStore((s) => s.height);
  const size = useRef({ width: 0, height: 0 });
  const framed = useRef(false);
  useEffect(() => {
    const before = size.current;
    size.current = { width, height };
    if (!ready || !some || width === 0 || height === 0) return;
    const frame = requestAnimationFrame(() => {
      if (!framed.current || wholeShown()) showAll();
      else keepMiddle(before, { width, height });
      framed.current = true;
    });
    return () => cancelAnimationFrame(frame);
  }, [ready, some, width, height]);
}
