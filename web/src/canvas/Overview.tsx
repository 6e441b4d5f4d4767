import { useStore } from "@xyflow/react";
import { useEffect, useRef } from "react";
import type { Point } from "@/flow/types";
import { useRun } from "@/runs/store";
import type { RunSnapshot } from "@/runs/types";
import { cardColor } from "./colors";
import { type CanvasNode, useElements, type WireEdge } from "./elements";
import { CARD_WIDTH } from "./geometry";
import { useSpecs } from "./hooks";
import classes from "./Overview.module.css";

const OVERVIEW_ZOOM = 0.25;
const OVERVIEW_NODES = 400;

/** Whether the flow is so large and so far away that cards cannot be told apart. */
export function useOverview(): boolean {
  const many = useElements((s) => s.nodes.length > OVERVIEW_NODES);
  const far = useStore((s) => s.transform[2] < OVERVIEW_ZOOM);
  return many && far;
}

/** A large flow from far away: rectangles and lines on one bitmap instead of thousands of parts. */
export function Overview() {
  const canvas = useRef<HTMLCanvasElement>(null);
  const [x, y, zoom] = useStore((s) => s.transform);
  const width = useStore((s) => s.width);
  const height = useStore((s) => s.height);
  const nodes = useElements((s) => s.nodes);
  const edges = useElements((s) => s.edges);
  const runs = useRun((s) => s.nodes);
  const specs = useSpecs((s) => s.specs);
  useEffect(() => {
    const frame = requestAnimationFrame(() => {
      const pen = canvas.current?.getContext("2d");
      if (!pen) return;
      const ratio = window.devicePixelRatio;
      pen.setTransform(ratio, 0, 0, ratio, 0, 0);
      pen.clearRect(0, 0, width, height);
      pen.setTransform(ratio * zoom, 0, 0, ratio * zoom, ratio * x, ratio * y);
      const style = getComputedStyle(document.documentElement);
      const color = (name: string) => style.getPropertyValue(name).trim();
      drawEdges(pen, nodes, edges, color("--border-2"), zoom);
      for (const node of nodes) drawNode(pen, node, color(colorOf(node, specs, runs)));
    });
    return () => cancelAnimationFrame(frame);
  }, [x, y, zoom, width, height, nodes, edges, runs, specs]);
  const ratio = window.devicePixelRatio;
  return (
    <canvas
      ref={canvas}
      className={classes.overview}
      width={width * ratio}
      height={height * ratio}
      style={{ width, height }}
    />
  );
}

function colorOf(
  node: CanvasNode,
  specs: Parameters<typeof cardColor>[1],
  runs: RunSnapshot["nodes"],
): string {
  if (node.type === "note") return "--amber-soft";
  return cardColor(node.data.node, specs, runs[node.id]?.state);
}

/** What lies in a container is seen through it. */
function drawNode(pen: CanvasRenderingContext2D, node: CanvasNode, color: string): void {
  pen.globalAlpha = node.type === "container" ? 0.16 : 1;
  pen.fillStyle = color;
  pen.fillRect(node.position.x, node.position.y, node.width ?? CARD_WIDTH, node.height ?? 60);
}

/** Where an edge meets a node. */
function endOf({ position, handles }: CanvasNode, id: string | null | undefined): Point | null {
  const handle = handles?.find((each) => each.id === id);
  const { width = 0, height = 0 } = handle ?? {};
  return handle
    ? { x: position.x + handle.x + width / 2, y: position.y + handle.y + height / 2 }
    : null;
}

function drawEdges(
  pen: CanvasRenderingContext2D,
  nodes: CanvasNode[],
  edges: readonly WireEdge[],
  color: string,
  zoom: number,
): void {
  const at = new Map(nodes.map((node) => [node.id, node]));
  pen.strokeStyle = color;
  pen.lineWidth = 1 / zoom;
  pen.beginPath();
  for (const edge of edges) {
    const from = at.get(edge.source);
    const to = at.get(edge.target);
    const start = from && endOf(from, edge.sourceHandle);
    const end = to && endOf(to, edge.targetHandle);
    if (!start || !end) continue;
    pen.moveTo(start.x, start.y);
    pen.lineTo(end.x, end.y);
  }
  pen.stroke();
}
