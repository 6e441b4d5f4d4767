import { useEffect, useState } from "react";
import type { WorkspaceEvent } from "@/api/types";
import { onFlowEvent } from "./store";

/** The name of whoever deleted the flow that an event is about; null when it tells nothing. */
export function deleterOf(event: WorkspaceEvent): string | null {
  if (event.type !== "flow_deleted") return null;
  const { by } = event;
  const name = by && typeof by === "object" && "name" in by ? by.name : null;
  return typeof name === "string" && name !== "" ? name : null;
}

/** Who deleted the flow that is open; null as long as nobody did. */
export function useDeletedBy(): string | null {
  const [name, setName] = useState<string | null>(null);
  useEffect(() => onFlowEvent((event) => setName((before) => deleterOf(event) ?? before)), []);
  return name;
}
