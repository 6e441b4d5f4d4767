import { useCallback } from "react";
import { useTranslation } from "react-i18next";
import { specTexts } from "@/api/catalogue";
import { useSpecs } from "@/canvas/hooks";
import { useGraph } from "@/flow/store";

/** What nodes are called on the canvas. */
export function useNodeName(): (id: string) => string {
  const { i18n } = useTranslation("editor");
  const nodes = useGraph((s) => s.nodes);
  const specs = useSpecs((s) => s.specs);
  return useCallback(
    (id: string) => {
      const node = nodes[id];
      if (!node) return id;
      const spec = specs.get(node.type);
      return node.name || (spec ? specTexts(spec, i18n.language).name : node.type);
    },
    [nodes, specs, i18n.language],
  );
}
