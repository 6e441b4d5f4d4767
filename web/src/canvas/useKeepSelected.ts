import { useStoreApi } from "@xyflow/react";
import type { KeyboardEvent } from "react";

/**
 * Shift+Enter runs from the selected node, Ctrl+Enter the flow. On a node that has the focus,
 * React Flow would take either for a click with the key that adds to a selection, and let go of
 * the node before the command has seen it.
 */
export function useKeepSelected(): (event: KeyboardEvent) => void {
  const store = useStoreApi();
  return ({ key }) => {
    if (key === "Enter") store.setState({ multiSelectionActive: false });
  };
}
