/** What nodes and their ports are called on the canvas, at this moment. */
import { specTexts } from "@/api/catalogue";
import { useSpecs } from "@/canvas/hooks";
import { portLabel } from "@/canvas/portLabel";
import { useGraph } from "@/flow/store";
import type { EdgeEnds } from "@/flow/types";
import { labelOf } from "@/settings/words";

type Path = readonly (string | number)[];
export type Quote = (name: string) => string;

export function nameNow(id: string, language: string): string {
  const node = useGraph.getState().nodes[id];
  if (!node) return id;
  const spec = useSpecs.getState().specs.get(node.type);
  return node.name || (spec ? specTexts(spec, language).name : node.type);
}

function spec(id: string) {
  const node = useGraph.getState().nodes[id];
  return node && useSpecs.getState().specs.get(node.type);
}

/** What a setting is called in the form of its node. */
export function settingNow(id: string, path: Path, language: string): string | null {
  const known = spec(id);
  const schema = known?.settings.properties?.[String(path[0])];
  return known && schema ? labelOf(known, path.slice(0, 1), schema, language).title : null;
}

/** A port's name as it stands on the card. */
export function portNow(id: string, port: string, language: string): string {
  return portLabel(spec(id), port, language);
}

/** One end of an edge: its node, and the port where the node has several on that side. */
export function endNow(ends: EdgeEnds, side: "source" | "target", language: string, quote: Quote) {
  const id = ends[side];
  const port = side === "source" ? ends.source_port : ends.target_port;
  const ports = (side === "source" ? spec(id)?.outputs : spec(id)?.inputs) ?? [];
  const name = quote(nameNow(id, language));
  if (ports.length < 2) return name;
  const label = portNow(id, port, language);
  return language.startsWith("zh") ? `${name}（${label}）` : `${name} (${label})`;
}

/** The ends of an edge by its id. */
export function endsOf(edge: string | null | undefined): EdgeEnds | null {
  const found = /^([^.>]+)\.([^.>]+)>([^.>]+)\.([^.>]+)$/.exec(edge ?? "");
  if (!found) return null;
  const [, source = "", source_port = "", target = "", target_port = ""] = found;
  return { source, source_port, target, target_port };
}
