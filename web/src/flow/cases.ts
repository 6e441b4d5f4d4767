/** When a setting names ports: a renamed one keeps its edges, one that is gone takes them along. */
import { namedPorts } from "./dynamicPorts";
import { isMap } from "./fields";
import { innerEnd } from "./nesting";
import { aroundNow } from "./scene";
import { newEdge } from "./schema";
import type { Session } from "./session";
import { useGraph } from "./store";
import { edgeId, type FlowNode, type Json, type PortsFromLike } from "./types";

/** The name in each entry of the list, whatever it is. */
function rawNames(source: PortsFromLike, value: unknown): unknown[] {
  const list = Array.isArray(value) ? value : [];
  return list.map((entry) => (source.key ? (isMap(entry) ? entry[source.key] : null) : entry));
}

/** Old port → new port; `null` when the port is gone. */
type Moved = Map<string, string | null>;

/** What becomes of ports when the list that names them changes. */
export function movedPorts(
  source: PortsFromLike,
  before: unknown,
  after: unknown,
  wired: readonly string[],
): Moved {
  const ports = (value: unknown) =>
    namedPorts(source, { [source.setting]: (value ?? null) as Json });
  const [old, now] = [ports(before), ports(after)];
  const gone = old.filter((port) => !now.includes(port));
  const [from, to] = [rawNames(source, before), rawNames(source, after)];
  if (from.length > to.length) return new Map(gone.map((port) => [port, null]));
  if (from.length < to.length) return new Map();
  // While a name is typed it may name no port for a moment: the edge waits for what comes.
  const stray = wired.filter((port) => !old.includes(port));
  const was = (i: number): string | undefined => {
    const name = String(from[i]);
    if (gone.includes(name)) return name;
    return stray.length === 1 && !old.includes(name) ? stray[0] : undefined;
  };
  const moved: Moved = new Map();
  for (const [i, name] of to.entries()) {
    const earlier = was(i);
    const fresh = typeof name === "string" && now.includes(name) && !old.includes(name);
    if (fresh && earlier !== undefined) moved.set(earlier, name);
  }
  return moved;
}

/** Lets the edges of a node follow its ports, inside of the transaction that changes the setting. */
export function followPorts(
  session: Session,
  node: FlowNode,
  key: string,
  value: Json | undefined,
) {
  const spec = session.specs.get(node.type);
  const source = spec?.ports_from;
  if (!source || source.setting !== key) return;
  const fallback = spec.settings.properties?.[key]?.default;
  const around = aroundNow();
  const edges = useGraph
    .getState()
    .edges.filter((e) => e.source === node.id && innerEnd(e, around) !== "source");
  const wired = [...new Set(edges.map((e) => e.source_port))];
  const moved = movedPorts(source, node.settings[key] ?? fallback, value ?? fallback, wired);
  for (const edge of edges) {
    const to = moved.get(edge.source_port);
    if (to === undefined) continue;
    session.roots.edges.delete(edge.id);
    const { id: _, ...ends } = edge;
    if (to === null) continue;
    const renamed = { ...ends, source_port: to };
    session.roots.edges.set(edgeId(renamed), newEdge(renamed));
  }
}
