/** Who else is here: cursors, selections, drags and open panels, by awareness. */

import type { Awareness } from "y-protocols/awareness";
import { create } from "zustand";
import type { Point } from "./types";

export interface Person {
  id: string;
  name: string;
  color: string;
}

export interface Peer {
  client: number;
  user: Person;
  selection: string[];
  panel: string | null;
  /** Nodes at which a run of theirs stops. */
  breakpoints: string[];
}

export interface PresenceState {
  /** Everybody else, one entry per open editor; the same objects while nothing changed. */
  peers: Peer[];
  /** Node → the first other person who has selected it. */
  selectedBy: Record<string, Person>;
  /** Node → the names of the others who have a breakpoint on it, as one text. */
  stoppedBy: Record<string, string>;
}

export interface MotionState {
  cursors: Record<number, Point>;
  /** Where others are dragging nodes to at this moment. */
  drags: Record<string, Point>;
}

export const NOBODY: PresenceState = { peers: [], selectedBy: {}, stoppedBy: {} };
export const STILL: MotionState = { cursors: {}, drags: {} };

export const usePresence = create<PresenceState>(() => NOBODY);
/** Changes many times a second: only cursors and dragged nodes subscribe to it. */
export const useMotion = create<MotionState>(() => STILL);

const INTERVAL_MS = 45;
/** The server takes 4 kB of presence: neither a selection nor a drag may fill it alone. */
const MAX_CHARS = 1500;
const MAX_DRAGGED = 200;

type Fields = Record<string, unknown>;

function isPoint(value: unknown): value is Point {
  const p = value as Point | null;
  return typeof p === "object" && p !== null && Number.isFinite(p.x) && Number.isFinite(p.y);
}

function person(value: unknown, client: number): Person {
  const user = (typeof value === "object" && value !== null ? value : {}) as Partial<Person>;
  const color = /^#[0-9a-f]{3,8}$/i.test(String(user.color)) ? String(user.color) : "#667083";
  return { id: String(user.id ?? client), name: String(user.name ?? "?").slice(0, 80), color };
}

const strings = (value: unknown): string[] =>
  Array.isArray(value) ? value.filter((v): v is string => typeof v === "string") : [];

/** As many of the first items as there is room for. */
function within<T>(items: readonly T[], size: (item: T) => number): T[] {
  let left = MAX_CHARS;
  return items.filter((item) => {
    left -= size(item);
    return left >= 0;
  });
}

export class Presence {
  private pending: Fields = {};
  private timer: ReturnType<typeof setTimeout> | undefined;
  private sentAt = 0;
  private readonly onChange = () => this.publish();
  private readonly onHide = () => this.leave();

  constructor(
    private readonly awareness: Awareness,
    user: Person,
  ) {
    awareness.setLocalState({
      user,
      cursor: null,
      selection: [],
      drag: null,
      panel: null,
      breakpoints: [],
    });
    awareness.on("change", this.onChange);
    if (typeof window !== "undefined") window.addEventListener("pagehide", this.onHide);
  }

  setCursor(cursor: Point | null): void {
    this.queue({ cursor: cursor && { x: Math.round(cursor.x), y: Math.round(cursor.y) } });
  }

  setSelection(selection: readonly string[]): void {
    this.queue({ selection: within(selection, (id) => id.length + 3) });
  }

  /** Shows where nodes are while they are being dragged; `null` when they have been dropped. */
  setDrag(drag: Record<string, Point> | null): void {
    if (drag === null) {
      this.queue({ drag: null });
      return;
    }
    const entries = within(Object.entries(drag), ([id]) => id.length + 20);
    this.queue({
      drag: Object.fromEntries(entries.map(([id, p]) => [id, [Math.round(p.x), Math.round(p.y)]])),
    });
  }

  /** Shows on which nodes there are breakpoints. */
  setBreakpoints(nodes: readonly string[]): void {
    this.queue({ breakpoints: within(nodes, (id) => id.length + 3) });
  }

  setPanel(panel: string | null): void {
    this.queue({ panel });
  }

  /** Others ignore a state with a clock they know: after a reconnect it has to be said again. */
  announce(): void {
    this.awareness.setLocalState(this.awareness.getLocalState());
  }

  private queue(fields: Fields): void {
    this.pending = { ...this.pending, ...fields };
    if (this.timer !== undefined) return;
    const wait = INTERVAL_MS - (performance.now() - this.sentAt);
    if (wait <= 0) this.flush();
    else this.timer = setTimeout(() => this.flush(), wait);
  }

  private flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const now = this.awareness.getLocalState();
    const changes = Object.entries(this.pending).filter(
      ([key, value]) => JSON.stringify(now?.[key]) !== JSON.stringify(value),
    );
    this.pending = {};
    if (now === null || changes.length === 0) return;
    this.sentAt = performance.now();
    this.awareness.setLocalState({ ...now, ...Object.fromEntries(changes) });
  }

  private leave(): void {
    this.queue({ cursor: null, drag: null });
    this.flush();
  }

  private publish(): void {
    const peers: Peer[] = [];
    const motion: MotionState = { cursors: {}, drags: {} };
    for (const [client, state] of this.awareness.getStates()) {
      if (client === this.awareness.clientID || !state.user) continue;
      const panel = typeof state.panel === "string" ? state.panel : null;
      const user = person(state.user, client);
      const [selection, breakpoints] = [strings(state.selection), strings(state.breakpoints)];
      peers.push({ client, user, selection, panel, breakpoints });
      if (isPoint(state.cursor)) motion.cursors[client] = { x: state.cursor.x, y: state.cursor.y };
      addDrags(motion.drags, state.drag);
    }
    peers.sort((a, b) => a.client - b.client);
    this.publishPeers(peers);
    useMotion.setState(motion);
  }

  private publishPeers(peers: Peer[]): void {
    const before = usePresence.getState().peers;
    if (JSON.stringify(before) === JSON.stringify(peers)) return;
    const selectedBy: Record<string, Person> = {};
    const known = usePresence.getState().selectedBy;
    for (const peer of peers) {
      for (const id of peer.selection) selectedBy[id] ??= peer.user;
    }
    for (const [id, user] of Object.entries(selectedBy)) {
      const old = known[id];
      if (old && JSON.stringify(old) === JSON.stringify(user)) selectedBy[id] = old;
    }
    const stoppedBy: Record<string, string> = {};
    for (const { user, breakpoints } of peers) {
      for (const id of breakpoints) {
        stoppedBy[id] = stoppedBy[id] ? `${stoppedBy[id]}, ${user.name}` : user.name;
      }
    }
    usePresence.setState({ peers, selectedBy, stoppedBy });
  }

  destroy(): void {
    clearTimeout(this.timer);
    this.awareness.off("change", this.onChange);
    if (typeof window !== "undefined") window.removeEventListener("pagehide", this.onHide);
    usePresence.setState(NOBODY, true);
    useMotion.setState(STILL, true);
  }
}

function addDrags(drags: Record<string, Point>, value: unknown): void {
  if (typeof value !== "object" || value === null) return;
  for (const [id, at] of Object.entries(value).slice(0, MAX_DRAGGED)) {
    const [x, y] = Array.isArray(at) ? at : [];
    if (Number.isFinite(x) && Number.isFinite(y)) drags[id] = { x, y };
  }
}
