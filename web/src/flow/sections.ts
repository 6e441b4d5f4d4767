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

/** The section of every member; a member that nothing tells is left out. */
export function sectionsOf(
  container: string,
  inside: InsideLike,
  members: readonly string[],
  edges: readonly EdgeEnds[],
  around: Around,
): Map<string, string> {
  const found = new Map<string, string>();
  const names = sectionNames(inside);
  if (names.length === 1) return new Map(members.map((id) => [id, BODY]));
  const { after, starts, ends } = wiringOf(container, edges, around);
  for (const section of names) {
    const ports = new Set(
      inside.outputs.filter((p) => (p.section ?? BODY) === section).map((p) => p.name),
    );
    for (const [port, member] of starts) {
      if (!ports.has(port)) continue;
      for (const id of reach(after, member)) if (!found.has(id)) found.set(id, section);
    }
  }
  const led = new Map(found);
  const closes = new Map<string, Set<string>>();
  for (const [member, port] of ends) {
    const section = inside.inputs.find((p) => p.name === port)?.section ?? BODY;
    closes.set(member, new Set([...(closes.get(member) ?? []), section]));
  }
  for (const id of members) {
    if (led.has(id)) continue;
    const ahead = [...reach(after, id)];
    const sections = new Set(
      ahead.flatMap((each) => {
        const known = led.get(each);
        return known ? [known] : [...(closes.get(each) ?? [])];
      }),
    );
    const [only] = sections;
    if (sections.size === 1 && only) found.set(id, only);
    else if (sections.size > 1) found.set(id, BODY);
  }
  return found;
}
