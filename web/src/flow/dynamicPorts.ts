/**
 * Output ports that a setting names, such as the cases of a switch: the same rules as
 * `weft_engine.nodes.dynamic_ports`, held to `tests/vectors/ports_from.json`.
 */
import { isId, isMap } from "./fields";
import type { JsonMap, PortLike, PortsFromLike, SpecLike } from "./types";

/** The ports that settings name, each once, in their order; then those that are always there. */
export function namedPorts(source: PortsFromLike, settings: JsonMap, fallback?: unknown): string[] {
  const given: unknown = source.setting in settings ? settings[source.setting] : fallback;
  const also = source.also ?? [];
  const found = new Set<string>();
  for (const entry of Array.isArray(given) ? given : []) {
    const name: unknown = source.key ? (isMap(entry) ? entry[source.key] : null) : entry;
    if (typeof name === "string" && isId(name) && !also.includes(name)) found.add(name);
  }
  return [...found, ...also];
}

/** The output ports of one node: those of its type, or those that its settings name. */
export function outputsOf(spec: SpecLike, settings: JsonMap): PortLike[] {
  const source = spec.ports_from;
  if (!source) return spec.outputs;
  const fallback = spec.settings.properties?.[source.setting]?.default;
  const type = source.type ?? "Any";
  return namedPorts(source, settings, fallback).map((name) => ({ name, type }));
}
