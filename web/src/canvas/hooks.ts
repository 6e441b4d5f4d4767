import { create } from "zustand";
import type { NodeSpec } from "@/api/types";
import { canEdit, useSession } from "@/flow/store";

/** The catalogue as the canvas reads it: hundreds of cards ask, so it is a plain store. */
export const useSpecs = create<{ specs: ReadonlyMap<string, NodeSpec> }>(() => ({
  specs: new Map(),
}));

/** The description of a node type; undefined while it is unknown. */
export function useSpec(type: string): NodeSpec | undefined {
  return useSpecs((s) => s.specs.get(type));
}

/** Whether the person may change this flow at this moment. */
export function useCanEdit(): boolean {
  return useSession(canEdit);
}
