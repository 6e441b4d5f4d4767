/** "Tidy up": lays out the flow, or what is selected, as one undo step shown in a short motion. */
import { moveNodes } from "@/flow/commands";
import { editable, notices } from "@/flow/session";
import { useGraph } from "@/flow/store";
import type { Point } from "@/flow/types";
import { type CanvasNode, type CardNode, setMoving, useElements } from "../elements";
import { CARD_WIDTH, HEAD_HEIGHT } from "../geometry";
import { showIfHidden } from "../view";
import { layOut, notePlaces } from "./layout";

const MOTION_MS = 150;

type Places = Record<string, Point>;

const calm = (): boolean => window.matchMedia("(prefers-reduced-motion: reduce)").matches;

/** Moves cards from where they are to where they belong; the document already has the end. */
function animate(from: Places, to: Places): Promise<void> {
  if (calm()) return Promise.resolve();
  return new Promise((done) => {
    const start = performance.now();
    const step = (now: number) => {
      const part = Math.min(1, (now - start) / MOTION_MS);
      const eased = 1 - (1 - part) ** 3;
      if (part >= 1) {
        setMoving({});
        done();
        return;
      }
      setMoving(between(from, to, eased));
      requestAnimationFrame(step);
    };
    setMoving(from);
    requestAnimationFrame(step);
  });
}

function between(from: Places, to: Places, part: number): Places {
  const places: Places = {};
  for (const [id, end] of Object.entries(to)) {
    const start = from[id] ?? end;
    places[id] = {
      x: start.x + (end.x - start.x) * part,
      y: start.y + (end.y - start.y) * part,
    };
  }
  return places;
}

const boxOf = ({ id, position, width = CARD_WIDTH, height = HEAD_HEIGHT }: CanvasNode) => ({
  id,
  position,
  width,
  height,
});

/** Lays out the selected nodes if there are several, else all of them. */
export async function tidyUp(): Promise<void> {
  if (!editable()) return;
  const { selection, edges } = useGraph.getState();
  const all = useElements.getState().nodes;
  const cards = all.filter((n): n is CardNode => n.type === "card");
  const chosen = new Set(selection);
  const some = cards.filter((node) => chosen.has(node.id));
  const nodes = some.length > 1 ? some : cards;
  if (nodes.length === 0) return;
  try {
    const places = await layOut(nodes, edges);
    const notes = nodes === cards ? all.filter((n) => n.type === "note") : [];
    const to = { ...places, ...notePlaces(notes.map(boxOf), cards.map(boxOf), places) };
    const from = Object.fromEntries([...nodes, ...notes].map((node) => [node.id, node.position]));
    setMoving(from);
    moveNodes(to, "tidyUp");
    await animate(from, to);
    setMoving({});
    const ids = nodes === cards ? undefined : nodes.map((node) => node.id);
    requestAnimationFrame(() => showIfHidden(ids));
  } catch {
    notices.emit({ key: "layoutFailed", kind: "error" });
  } finally {
    setMoving({});
  }
}
