/** What the canvas is doing at the moment; nothing of it is shared. */
import { create } from "zustand";
import type { Patch } from "@/flow/patch";
import type { Point } from "@/flow/types";
import { type Before, before, judge, type Verdict, type Wires } from "@/flow/wiring";
import { type Guides, NO_GUIDES } from "./guides/snap";

export interface PortRef {
  node: string;
  /** Its handle: a port that faces inwards has a mark. */
  port: string;
  side: "source" | "target";
}

/** The little window that finds and adds a node. */
export interface QuickAddRequest {
  /** Where the window opens, in pixels of the page. */
  at: Point;
  /** Where the node will stand, on the canvas. */
  place: Point;
  /** A port the new node is wired to. */
  from?: PortRef;
  /** An edge the new node is put into. */
  into?: string;
}

export interface MenuRequest {
  at: Point;
  place: Point;
  target: { kind: "node" | "edge" | "note" | "pane"; id: string | null };
}

export type Pointing = "trackpad" | "mouse";

interface CanvasState {
  /** The port a connection is being drawn from, and what is known about it. */
  connecting: PortRef | null;
  quickAdd: QuickAddRequest | null;
  menu: MenuRequest | null;
  pointing: Pointing;
  /** The node whose name is being typed. */
  renaming: string | null;
  hoveredEdge: string | null;
  /** Lines of alignment while a card is dragged. */
  guides: Guides;
  /** What a fix would put into a new container, while it is looked at. */
  preview: { type: string; members: string[]; patch: Patch; title: string } | null;
  /** The node whose breakpoint is being set. */
  breakpointOf: string | null;
  /** The container that what is dragged would go into. */
  dropInto: string | null;
  /** Where the pointer was last, on the canvas: where things are pasted. */
  pointer: Point | null;
}

const POINTING = "weft.pointing";

function rememberedPointing(): Pointing {
  try {
    return localStorage.getItem(POINTING) === "mouse" ? "mouse" : "trackpad";
  } catch {
    return "trackpad";
  }
}

export const useCanvas = create<CanvasState>(() => ({
  connecting: null,
  quickAdd: null,
  menu: null,
  pointing: rememberedPointing(),
  renaming: null,
  hoveredEdge: null,
  guides: NO_GUIDES,
  preview: null,
  breakpointOf: null,
  dropInto: null,
  pointer: null,
}));

export function setPointing(pointing: Pointing): void {
  useCanvas.setState({ pointing });
  try {
    localStorage.setItem(POINTING, pointing);
  } catch {
    // Without storage the choice lasts as long as the page.
  }
}

export const openQuickAdd = (quickAdd: QuickAddRequest): void =>
  useCanvas.setState({ quickAdd, menu: null });
export const closeQuickAdd = (): void => useCanvas.setState({ quickAdd: null });
export const closeMenu = (): void => useCanvas.setState({ menu: null });

let wires: Wires | null = null;
let known: Before | null = null;
let verdicts = new Map<string, Verdict>();

/** Remembers from where a connection is drawn, so that each port can say whether it takes it. */
export function startConnecting(from: PortRef, view: Wires): void {
  wires = view;
  known = before(view, from.node, from.side);
  verdicts = new Map();
  useCanvas.setState({ connecting: from });
}

export function stopConnecting(): void {
  wires = null;
  known = null;
  verdicts = new Map();
  useCanvas.setState({ connecting: null });
}

/** What would happen if the connection being drawn ended at this port. */
export function verdictAt(to: PortRef): Verdict | null {
  const from = useCanvas.getState().connecting;
  if (!from || !wires || from.side === to.side) return null;
  const key = `${to.node}\u0000${to.port}`;
  const seen = verdicts.get(key);
  if (seen) return seen;
  const [source, target] = from.side === "source" ? [from, to] : [to, from];
  const ends = {
    source: source.node,
    source_port: source.port,
    target: target.node,
    target_port: target.port,
  };
  const verdict = judge(ends, wires, known ?? undefined);
  verdicts.set(key, verdict);
  return verdict;
}
