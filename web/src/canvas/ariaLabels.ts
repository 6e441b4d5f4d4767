import type { AriaLabelConfig } from "@xyflow/react";
import type { TFunction } from "i18next";

/** What a screen reader hears about the canvas, in the reader's language. */
export function ariaLabels(t: TFunction<"editor">): Partial<AriaLabelConfig> {
  return {
    "node.a11yDescription.default": t("aria.node"),
    "node.a11yDescription.keyboardDisabled": t("aria.node"),
    "node.a11yDescription.ariaLiveMessage": ({ direction, x, y }) =>
      t("aria.moved", { direction, x: Math.round(x), y: Math.round(y) }),
    "edge.a11yDescription.default": t("aria.edge"),
    "minimap.ariaLabel": t("map.label"),
    "handle.ariaLabel": t("aria.port"),
  };
}
