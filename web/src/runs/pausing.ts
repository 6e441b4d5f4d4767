/** Where a run stands still and what it waits for, as its events tell. */
import type { Json, RunEvent, StopInfo, WaitInfo } from "@/api/types";
import { wentOn } from "./reduceNode";
import { timeOf } from "./time";
import type { NodeRun, RunSnapshot, Stop, ValueRef, Wait } from "./types";

type Pausing = Pick<RunSnapshot, "pauseReason" | "pausedBy" | "stops" | "waits" | "hits">;

export function stopOfInfo(info: StopInfo): Stop {
  const { at, node, scope = "", when, reason, hit = 0, ports = [], edited = [] } = info;
  return { at, node, scope, when, reason, hit, ports, values: {}, edited };
}

type Told = Partial<Record<keyof WaitInfo, unknown>>;

export function waitOfInfo(info: Told): Wait {
  const due = info.due as string | number | null | undefined;
  return {
    node: String(info.node ?? ""),
    scope: String(info.scope ?? ""),
    kind: (info.kind as Wait["kind"] | undefined) ?? "signal",
    // Events tell moments as seconds, the API as text.
    due: typeof due === "number" ? due * 1000 : timeOf(due),
    signal: typeof info.signal === "string" ? info.signal : null,
    message: String(info.message ?? ""),
    data: (info.data ?? null) as Json,
  };
}

function stopOfEvent(event: RunEvent): Stop {
  const values = (event.values ?? {}) as Record<string, ValueRef>;
  const at = placeOf(event);
  const cut = at.indexOf("@");
  return {
    at,
    node: event.node ?? at.slice(0, cut),
    scope: typeof event.scope === "string" ? event.scope : at.slice(cut + 1),
    when: event.when === "after" ? "after" : "before",
    reason: String(event.reason ?? "breakpoint"),
    hit: Number(event.hit ?? 0),
    ports: Object.keys(values).sort(),
    values,
    edited: Array.isArray(event.edited) ? (event.edited as string[]) : [],
  };
}

/** `node@scope`. */
function placeOf(event: RunEvent): string {
  if (typeof event.stop === "string") return event.stop;
  return `${event.node ?? ""}@${typeof event.scope === "string" ? event.scope : ""}`;
}

const sameWait = (wait: Wait, event: RunEvent): boolean =>
  wait.node === event.node && wait.scope === (event.scope ?? "");

/** What an event changes in where the run stands still; nothing of others. */
export function pausing(before: RunSnapshot, event: RunEvent): Partial<Pausing> | null {
  switch (event.type) {
    case "run_paused":
      return paused(before, event);
    case "run_started":
    case "run_resumed":
      return {
        pauseReason: null,
        pausedBy: null,
        // Another engine took the run over: it stops anew.
        ...("nodes" in event ? { stops: [] } : {}),
      };
    case "run_completed":
    case "run_failed":
    case "run_cancelled":
      return { pauseReason: null, pausedBy: null, stops: [], waits: [] };
    case "breakpoint_hit":
      return hit(before, stopOfEvent(event));
    case "breakpoint_left": {
      const left = placeOf(event);
      return { stops: before.stops.filter((stop) => stop.at !== left) };
    }
    case "node_waiting":
      return {
        waits: [...before.waits.filter((wait) => !sameWait(wait, event)), waitOfInfo(event)],
      };
    default:
      if (!event.type.startsWith("node_") || before.waits.length === 0) return null;
      if (event.type === "node_progress" || !before.waits.some((wait) => sameWait(wait, event))) {
        return null;
      }
      return { waits: before.waits.filter((wait) => !sameWait(wait, event)) };
  }
}

function paused(before: RunSnapshot, event: RunEvent): Partial<Pausing> {
  const by = event.by as { name?: string } | string | undefined;
  const told = Array.isArray(event.waits) ? (event.waits as WaitInfo[]).map(waitOfInfo) : null;
  return {
    pauseReason: String(event.reason ?? "asked"),
    pausedBy: (typeof by === "string" ? by : by?.name) ?? null,
    waits: told ?? before.waits,
  };
}

function hit(before: RunSnapshot, stop: Stop): Partial<Pausing> {
  const others = before.stops.filter((each) => each.at !== stop.at);
  const key = `${stop.node} ${stop.when}`;
  return {
    stops: [...others, stop],
    hits: stop.hit > 0 ? { ...before.hits, [key]: stop.hit } : before.hits,
  };
}

/** Nodes that a stop holds, or lets go. */
export function heldNodes(
  nodes: Record<string, NodeRun>,
  before: readonly Stop[],
  after: readonly Stop[],
): void {
  if (before === after) return;
  const still = new Set(after.map((stop) => stop.node));
  for (const { node } of before) {
    const known = nodes[node];
    if (known && !still.has(node)) nodes[node] = wentOn(known);
  }
}
