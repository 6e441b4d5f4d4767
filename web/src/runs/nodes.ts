import { useCallback, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { specTexts, useCatalogue } from "@/api/catalogue";
import type { JsonObject } from "@/api/types";
import { depths } from "@/flow/graph";
import { useGraph } from "@/flow/store";
import { useThen } from "./then";

export interface NodeLook {
  id: string;
  name: string;
  type: string;
  category: string;
  icon: string;
  settings: JsonObject;
}

/** The part of a node that is seen. */
type Look = { type: string; name?: string; settings?: object };
type Nodes = Readonly<Record<string, { type: string } | undefined>>;

/**
 * The node of the open flow that a path of a run names. Nodes of called flows are none, though one
 * here may happen to have the same id.
 */
export function ownNode(nodes: Nodes, path: string): string | null {
  if (nodes[path]) return path;
  const ids = path.split("/");
  const last = ids.at(-1) ?? path;
  const known = ids.every((id) => nodes[id]);
  const called = ids.slice(0, -1).some((id) => nodes[id]?.type === "flow.call");
  return known && !called ? last : null;
}

export const ownNodeNow = (path: string): string | null => ownNode(useGraph.getState().nodes, path);

/**
 * How the nodes of a run are called and look, by their paths. Those that the flow has no more look
 * as they did then, unknown ones are called by their id.
 */
export function useNodeLook(): (path: string) => NodeLook {
  const now = useGraph((graph) => graph.nodes);
  const then = useThen((s) => s.flow?.nodes);
  const { specs } = useCatalogue();
  const { i18n } = useTranslation();
  const language = i18n.language;
  return useCallback(
    (path) => {
      const nodes: Record<string, Look> =
        then && ownNode(now, path) === null && ownNode(then, path) !== null ? then : now;
      const id = ownNode(nodes, path) ?? path.slice(path.lastIndexOf("/") + 1);
      const node = ownNode(nodes, path) === null ? undefined : nodes[id];
      const spec = node ? specs.get(node.type) : undefined;
      const title = spec ? specTexts(spec, language).name : node?.type;
      return {
        id: path,
        name: node?.name || title || id,
        type: node?.type ?? "",
        category: spec?.category ?? "util",
        icon: spec?.icon ?? "",
        settings: { ...defaultsOf(spec?.settings.properties), ...(node?.settings as JsonObject) },
      };
    },
    [now, then, specs, language],
  );
}

function defaultsOf(properties: Record<string, { default?: unknown }> | undefined): JsonObject {
  const entries = Object.entries(properties ?? {}).filter(([, each]) => each.default !== undefined);
  return Object.fromEntries(entries.map(([key, each]) => [key, each.default])) as JsonObject;
}

/** One node's look. */
export function useLookOf(id: string | null): NodeLook | null {
  const look = useNodeLook();
  return useMemo(() => (id === null ? null : look(id)), [look, id]);
}

/** How deep in the flow each node stands; breaks ties between nodes that begin together. */
export function useDepths(): ReadonlyMap<string, number> {
  const nodes = useGraph((graph) => graph.nodes);
  const edges = useGraph((graph) => graph.edges);
  return useMemo(() => depths(Object.keys(nodes), edges), [nodes, edges]);
}

/** Orders numbers that may both be infinite. */
export function compare(a: number, b: number): number {
  return a === b ? 0 : a - b;
}
