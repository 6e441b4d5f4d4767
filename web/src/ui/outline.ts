/** The drawings of all outline icons of Tabler, fetched when a node asks for one not bundled. */
import address from "../../node_modules/@tabler/icons/tabler-nodes-outline.json?url";

/** The shapes of an icon: elements of SVG with their attributes. */
export type Drawing = readonly (readonly [tag: string, attributes: Record<string, string>])[];
type Drawings = Readonly<Record<string, Drawing>>;

let known: Drawings | null = null;
let coming: Promise<void> | null = null;

async function fetchAll(): Promise<void> {
  try {
    const answer = await fetch(address);
    if (answer.ok) known = (await answer.json()) as Drawings;
  } catch {
    // Without them the icon of the category stays; the next one that is asked for tries again.
  }
  if (known === null) coming = null;
}

/** An icon's drawing, if all are here already. */
export function drawingOf(name: string): Drawing | undefined {
  return known && Object.hasOwn(known, name) ? known[name] : undefined;
}

/** Resolves when the drawings are here, or cannot be had. */
export function loadDrawings(): Promise<void> {
  coming ??= fetchAll();
  return coming;
}
