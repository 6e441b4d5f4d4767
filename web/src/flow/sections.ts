/** Which section of a container its nodes belong to: the same rules as `compiler/sections.py`. */
import { type Around, chainOf, part } from "./nesting";
import type { EdgeEnds, InsideLike } from "./types";

export const BODY = "body";

/** All sections of a container, the body first. */
export function sectionNames(inside: InsideLike): string[] {
  const named = [...inside.outputs, ...inside.inputs].map((port) => port.section ?? BODY);
  return [...new Set([BODY, ...named])];
}

interface Wiring {
  after: Map<string, string[]>;
  /** Inner output → members it leads to. */
  starts: [string, string][];
  /** Member → inner input it leads to. */
  ends: [string, string][];
}

function wiringOf(container: string, edges: readonly EdgeEnds[], around: Around): Wiring {
  const found: Wiring = { after: new Map(), starts: [], ends: [] };
  for (const edge of edges) {
    const a = chainOf(edge.source, around);
    const b = chainOf(edge.target, around);
    const ways = part(a, b);
    if (ways && around.get(ways[0]) === container) {
      found.after.set(ways[0], [...(found.after.get(ways[0]) ?? []), ways[1]]);
    } else if (!ways && edge.source === container && b.length > a.length) {
      found.starts.push([edge.source_port, b[a.length] as string]);
    } else if (!ways && edge.target === container && a.length > b.length) {
      found.ends.push([a[b.length] as string, edge.target_port]);
    }
  }
  return found;
}

function reach(after: Map<string, string[]>, start: string): Set<string> {
  const found = new Set([start]);
  for (const at of found) for (const next of after.get(at) ?? []) found.add(next);
  return found;
}

const sectionOf = (ports: InsideLike["outputs"], name: string): string =>
  ports.find((port) => port.name === name)?.section ?? BODY;

/** Members that an inner output leads to, by the first section that reaches them. */
function led(names: readonly string[], inside: InsideLike, wiring: Wiring): Map<string, string> {
  const found = new Map<string, string>();
  for (const section of names) {
    for (const [port, member] of wiring.starts) {
      if (sectionOf(inside.outputs, port) !== section) continue;
      for (const id of reach(wiring.after, member)) if (!found.has(id)) found.set(id, section);
    }
  }
  return found;
}

/** The section of every member; a member that nothing tells is left out. */
export function sectionsOf(
  container: string,
  inside: InsideLike,
  members: readonly string[],
  edges: readonly EdgeEnds[],
  around: Around,
): Map<string, string> {
  const names = sectionNames(inside);
  if (names.length === 1) return new Map(members.map((id) => [id, BODY]));
  const wiring = wiringOf(container, edges, around);
  const known = led(names, inside, wiring);
  const closes = (id: string) =>
    wiring.ends.flatMap(([at, port]) => (at === id ? [sectionOf(inside.inputs, port)] : []));
  const found = new Map(known);
  for (const id of members) {
    if (known.has(id)) continue;
    const ahead = [...reach(wiring.after, id)];
    const sections = new Set(ahead.flatMap((each) => known.get(each) ?? closes(each)));
    const [first] = sections;
    if (first) found.set(id, sections.size === 1 ? first : BODY);
  }
  return found;
}
