import { useQuery } from "@tanstack/react-query";
import { unmarked } from "@/ui/marked";
import { api } from "./client";
import type { NodeSpec } from "./types";

export interface Catalogue {
  specs: ReadonlyMap<string, NodeSpec>;
  loading: boolean;
  error: Error | null;
}

const NONE: ReadonlyMap<string, NodeSpec> = new Map();

async function load(): Promise<ReadonlyMap<string, NodeSpec>> {
  const answer = await api.get<{ items: NodeSpec[] }>("/node-types");
  return new Map(answer.items.map((spec) => [spec.type, spec]));
}

/** Every node type the server knows, by type. */
export function useCatalogue(): Catalogue {
  const query = useQuery({
    queryKey: ["node-types"],
    queryFn: load,
    staleTime: 5 * 60_000,
    gcTime: Number.POSITIVE_INFINITY,
  });
  return { specs: query.data ?? NONE, loading: query.isPending, error: query.error };
}

/** The name and description of a node type in the reader's language; `marked` tells code apart. */
export function specTexts(
  spec: NodeSpec,
  language: string,
): { name: string; description: string; marked: string; subtitle: string } {
  const zh = language.startsWith("zh") ? spec.i18n?.zh : undefined;
  const marked = zh?.summary || zh?.description || spec.description;
  return {
    name: zh?.title || spec.name,
    description: unmarked(marked),
    marked,
    subtitle: zh?.subtitle || spec.subtitle || "",
  };
}

/** What a port is called in the reader's language. */
export function portTitle(spec: NodeSpec, port: string, language: string): string {
  const zh = language.startsWith("zh") ? spec.i18n?.zh?.ports?.[port] : undefined;
  return zh || port;
}
