/** Drawing connections: from a port to a port, to a card, or to the empty canvas. */
import {
  type Connection,
  type FinalConnectionState,
  type HandleType,
  type OnConnectStartParams,
  useReactFlow,
} from "@xyflow/react";
import { useCallback, useRef } from "react";
import { connect, disconnect } from "@/flow/commands";
import { portsOf } from "@/flow/infer";
import { aroundOf, innerId, liesIn } from "@/flow/nesting";
import { current } from "@/flow/session";
import { useGraph } from "@/flow/store";
import type { EdgeEnds, Point } from "@/flow/types";
import { firstFit, typeAt, type Wires } from "@/flow/wiring";
import type { CanvasNode, WireEdge } from "./elements";
import { CARD_WIDTH, HEAD_HEIGHT } from "./geometry";
import { openQuickAdd, type PortRef, startConnecting, stopConnecting, verdictAt } from "./state";

function wires(): Wires {
  const { nodes, edges, meta } = useGraph.getState();
  return { nodes, edges, specs: current()?.specs ?? new Map(), mode: meta.mode };
}

function endsOf(connection: Connection): EdgeEnds | null {
  const { source, sourceHandle, target, targetHandle } = connection;
  if (!sourceHandle || !targetHandle) return null;
  return { source, source_port: sourceHandle, target, target_port: targetHandle };
}

const pointOf = (event: MouseEvent | TouchEvent) => {
  const at = "changedTouches" in event ? event.changedTouches[0] : event;
  return { x: at?.clientX ?? 0, y: at?.clientY ?? 0 };
};

/** The port of a card that a connection dropped on its body belongs to. */
function portOfCard(from: PortRef, id: string): PortRef | null {
  const view = wires();
  const node = view.nodes[id];
  if (!node || id === from.node) return null;
  const ports = portsOf(node, view.specs, view.edges);
  const type = typeAt(view, from.node, from.port, from.side);
  const within = liesIn(from.node, id, aroundOf(view.nodes, view.specs));
  const found = firstFit((within && ports.inside) || ports, { side: from.side, type });
  if (!found) return null;
  const port = within ? innerId(found) : found;
  return { node: id, port, side: from.side === "source" ? "target" : "source" };
}

function join(from: PortRef, to: PortRef, replacing?: string): void {
  const [source, target] = from.side === "source" ? [from, to] : [to, from];
  connect(
    {
      source: source.node,
      source_port: source.port,
      target: target.node,
      target_port: target.port,
    },
    replacing,
  );
}

/** A connection dropped on no port: a card takes it where it can, the canvas asks for a new node. */
function dropBeside(from: PortRef, at: Point, toFlow: (p: Point) => Point): void {
  const under = document.elementFromPoint(at.x, at.y);
  const card = under?.closest<HTMLElement>(".react-flow__node")?.dataset.id;
  if (card) {
    const to = portOfCard(from, card);
    if (to) join(from, to);
    return;
  }
  if (!under?.closest(".react-flow__pane, .react-flow__edges")) return;
  const place = toFlow(at);
  const left = from.side === "source" ? place.x : place.x - CARD_WIDTH;
  openQuickAdd({ at, place: { x: left, y: place.y - HEAD_HEIGHT / 2 }, from });
}

export function useConnecting() {
  const { screenToFlowPosition } = useReactFlow<CanvasNode, WireEdge>();
  const reconnecting = useRef<string | null>(null);

  const onConnectStart = useCallback((_: unknown, start: OnConnectStartParams) => {
    if (!start.nodeId || !start.handleId || !start.handleType) return;
    const view = wires();
    const edges = view.edges.filter((edge) => edge.id !== reconnecting.current);
    const from = { node: start.nodeId, port: start.handleId, side: start.handleType };
    startConnecting(from, { ...view, edges });
  }, []);

  const isValidConnection = useCallback((connection: Connection | WireEdge) => {
    const { source, sourceHandle, target, targetHandle } = connection;
    const to = [
      { node: target, port: targetHandle ?? "", side: "target" as const },
      { node: source, port: sourceHandle ?? "", side: "source" as const },
    ];
    return to.some((ref) => verdictAt(ref)?.ok === true);
  }, []);

  const onConnect = useCallback((connection: Connection) => {
    const ends = endsOf(connection);
    if (ends) connect(ends);
  }, []);

  const onConnectEnd = useCallback(
    (event: MouseEvent | TouchEvent, state: FinalConnectionState) => {
      const { fromHandle, toHandle } = state;
      stopConnecting();
      if (reconnecting.current !== null || state.isValid || !fromHandle?.id) return;
      const from: PortRef = { node: fromHandle.nodeId, port: fromHandle.id, side: fromHandle.type };
      if (!toHandle?.id) {
        dropBeside(from, pointOf(event), screenToFlowPosition);
      } else if (toHandle.type !== from.side) {
        join(from, { node: toHandle.nodeId, port: toHandle.id, side: toHandle.type });
      }
    },
    [screenToFlowPosition],
  );

  const onReconnectStart = useCallback((_: unknown, edge: WireEdge) => {
    reconnecting.current = edge.id;
  }, []);

  const onReconnect = useCallback((edge: WireEdge, connection: Connection) => {
    const ends = endsOf(connection);
    if (ends) connect(ends, edge.id);
  }, []);

  const onReconnectEnd = useCallback(
    (_: unknown, edge: WireEdge, __: HandleType, state: FinalConnectionState) => {
      reconnecting.current = null;
      stopConnecting();
      if (!state.isValid && !state.toHandle) disconnect([edge.id]);
    },
    [],
  );

  return {
    onConnectStart,
    onConnect,
    onConnectEnd,
    isValidConnection,
    onReconnectStart,
    onReconnect,
    onReconnectEnd,
  };
}
