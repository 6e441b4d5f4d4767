/** "Tidy up": lays out the flow, or what is selected, as one undo step shown in a short motion. */
import { moveNodes } from "@/flow/commands";
import { outermost } from "@/flow/nesting";
import { aroundNow, frameNow } from "@/flow/scene";
import { editable, notices } from "@/flow/session";
import { useGraph } from "@/flow/store";
import type { Point } from "@/flow/types";
import { type CanvasNode, setMoving, useElements } from "../elements";
import { CARD_WIDTH, HEAD_HEIGHT } from "../geometry";
import { showIfHidden } from "../view";
import { Levels } from "./blocks";
import { notePlaces } from "./notes";

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

const sizeOf = ({ width = CARD_WIDTH, height = HEAD_HEIGHT }: CanvasNode) => ({ width, height });

const boxOf = (node: CanvasNode) => ({
  id: node.id,
  position: node.position,
  ...sizeOf(node),
});

/** What is laid out: the chosen nodes of one level if they are several, a container, or all. */
function wanted(): { ids: string[]; whole: boolean } {
  const { nodes, selection } = useGraph.getState();
  const around = aroundNow();
  const chosen = outermost(
    selection.filter((id) => nodes[id]),
    around,
  );
  const home = around.get(chosen[0] ?? "");
  const together = chosen.every((id) => around.get(id) === home);
  const [only] = chosen;
  if (chosen.length > 1 && together) return { ids: chosen, whole: false };
  if (chosen.length === 1 && only && frameNow(only)) return { ids: [only], whole: false };
  return { ids: Object.keys(nodes).filter((id) => !around.has(id)), whole: true };
}

/** Lays out the selected nodes if there are several, else all of them; containers from inside. */
export async function tidyUp(): Promise<void> {
  if (!editable()) return;
  const all = useElements.getState().nodes;
  const { ids, whole } = wanted();
  if (ids.length === 0) return;
  try {
    const boxes = new Map(all.map((node) => [node.id, { ...node.position, ...sizeOf(node) }]));
    const places = await new Levels(boxes).run(ids);
    const outer = all.filter((n) => n.type !== "note" && ids.includes(n.id));
    const notes = whole ? all.filter((n) => n.type === "note") : [];
    const to = { ...places, ...notePlaces(notes.map(boxOf), outer.map(boxOf), places) };
    const drawn = all.filter((node) => node.id in to);
    const from = Object.fromEntries(drawn.map((node) => [node.id, node.position]));
    const shown = Object.fromEntries(drawn.map((node) => [node.id, to[node.id] as Point]));
    setMoving(from);
    moveNodes(to, "tidyUp");
    await animate(from, shown);
    setMoving({});
    requestAnimationFrame(() => showIfHidden(whole ? undefined : ids));
  } catch {
    notices.emit({ key: "layoutFailed", kind: "error" });
  } finally {
    setMoving({});
  }
}
