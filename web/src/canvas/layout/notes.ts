/** Where notes go when the cards beside them are laid out anew. */
import type { Point } from "@/flow/types";

interface Box {
  position: Point;
  width: number;
  height: number;
}

const apart = (a: Box, b: Box): number =>
  Math.hypot(
    a.position.x + a.width / 2 - b.position.x - b.width / 2,
    a.position.y + a.height / 2 - b.position.y - b.height / 2,
  );

const overlap = (a: Box, b: Box): boolean =>
  a.position.x < b.position.x + b.width + GAP &&
  b.position.x < a.position.x + a.width + GAP &&
  a.position.y < b.position.y + b.height + GAP &&
  b.position.y < a.position.y + a.height + GAP;

const GAP = 12;

/** A note goes along with the card it lies nearest to, and out of the way of all cards. */
export function notePlaces(
  notes: readonly (Box & { id: string })[],
  cards: readonly (Box & { id: string })[],
  to: Readonly<Record<string, Point>>,
): Record<string, Point> {
  const moved = cards.map((card) => ({ ...card, position: to[card.id] ?? card.position }));
  const places: Record<string, Point> = {};
  for (const note of notes) {
    const nearest = cards.reduce<(Box & { id: string }) | null>(
      (best, card) => (best && apart(best, note) <= apart(card, note) ? best : card),
      null,
    );
    const end = nearest && to[nearest.id];
    if (!nearest || !end) continue;
    let at = {
      x: note.position.x + end.x - nearest.position.x,
      y: note.position.y + end.y - nearest.position.y,
    };
    for (let i = 0; i < cards.length; i++) {
      const hit = moved.find((card) => overlap({ ...note, position: at }, card));
      if (!hit) break;
      at = { x: at.x, y: hit.position.y + hit.height + GAP };
    }
    places[note.id] = at;
  }
  return places;
}
