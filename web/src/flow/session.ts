/** One open flow: its document, its connection, its undo history, its people. */
import type { Awareness } from "y-protocols/awareness";
import * as Y from "yjs";
import { Emitter } from "./emitter";
import { Mirror } from "./mirror";
import { type Person, Presence } from "./presence";
import { Room, type RoomState, roomsUrl } from "./provider";
import { type Multiple, portKey } from "./read";
import { type Roots, roots } from "./schema";
import {
  canEdit,
  FORBIDDEN,
  NO_SESSION,
  type SessionState,
  setSelection,
  useGraph,
  useSession,
} from "./store";
import type { EdgeEnds, Role, SpecLike } from "./types";
import { History } from "./undo";

/** Something worth telling the person at the keyboard; the interface finds the words. */
export interface Notice {
  key: string;
  kind: "info" | "warning" | "error";
  params?: Record<string, string | number>;
  /** The connection it is about. */
  edge?: EdgeEnds;
  /** Something the person may do about it. */
  action?: { key: string; params?: Record<string, string | number>; run: () => void };
}

/** Somebody may have something to show to the others in the room. */
export const joined = new Emitter<Presence>();

export const notices = new Emitter<Notice>();

export interface Session {
  flowId: string;
  doc: Y.Doc;
  roots: Roots;
  history: History;
  mirror: Mirror;
  specs: ReadonlyMap<string, SpecLike>;
  room: Room | null;
  presence: Presence | null;
  awareness: Awareness | null;
  stop: (() => void)[];
}

let open: Session | null = null;

/** The session of the flow that is open. */
export const current = (): Session | null => open;

export interface OpenOptions {
  flowId: string;
  user: Person;
  role: Role;
  specs?: ReadonlyMap<string, SpecLike>;
  /** Where the rooms are; `null` works without a server (tests, previews). */
  url?: string | null;
  doc?: Y.Doc;
}

const NO_SPECS: ReadonlyMap<string, SpecLike> = new Map();

export function multipleOf(specs: ReadonlyMap<string, SpecLike>): Multiple {
  const ports = new Set<string>();
  for (const spec of specs.values()) {
    const inputs = [...spec.inputs, ...(spec.inside?.inputs ?? [])];
    for (const port of inputs) if (port.multiple) ports.add(portKey(spec.type, port.name));
  }
  return ports;
}

export function openSession(options: OpenOptions): Session {
  closeSession();
  const doc = options.doc ?? new Y.Doc();
  const specs = options.specs ?? NO_SPECS;
  const session: Session = {
    flowId: options.flowId,
    doc,
    roots: roots(doc),
    specs,
    mirror: new Mirror(doc, multipleOf(specs)),
    history: new History(doc),
    room: null,
    presence: null,
    awareness: null,
    stop: [],
  };
  open = session;
  useSession.setState({ ...NO_SESSION, flowId: options.flowId, role: options.role }, true);
  const url = options.url === undefined ? roomsUrl(window.location) : options.url;
  if (url === null) useGraph.setState({ ready: true });
  else connect(session, url, options.user);
  return session;
}

function connect(session: Session, url: string, user: Person): void {
  const room = new Room(session.doc, session.flowId, url);
  session.room = room;
  session.awareness = room.provider.awareness;
  const presence = new Presence(room.provider.awareness, user);
  session.presence = presence;
  joined.emit(presence);
  session.stop.push(
    room.changed.on((state) => useSession.setState(settled(state))),
    room.connected.on(() => presence.announce()),
    room.synced.on(() => useGraph.setState({ ready: true })),
    room.refused.on((code) => refuse(code)),
    useGraph.subscribe((now, before) => {
      if (now.selection !== before.selection) presence.setSelection(now.selection);
    }),
    warnBeforeLeaving(),
  );
  room.connect();
}

/** Once everything is on disk after all, a refusal is history. */
function settled(state: RoomState): Partial<SessionState> {
  const { refused } = useSession.getState();
  const over = state.saved === "saved" && refused !== null && refused !== FORBIDDEN;
  return over ? { ...state, refused: null } : state;
}

/**
 * The server dropped a write. Without the right to edit, this copy has parted from everybody's
 * for good; other reasons pass, and the server asks again for what it lacks.
 */
function refuse(code: string): void {
  if (useSession.getState().refused === FORBIDDEN) return;
  useSession.setState({ refused: code });
}

function warnBeforeLeaving(): () => void {
  if (typeof window === "undefined") return () => {};
  const warn = (event: BeforeUnloadEvent) => {
    if (useSession.getState().pendingEdits > 0) event.preventDefault();
  };
  window.addEventListener("beforeunload", warn);
  return () => window.removeEventListener("beforeunload", warn);
}

/** Tells the session the catalogue: which ports take many edges, which settings are long texts. */
export function setSpecs(specs: ReadonlyMap<string, SpecLike>): void {
  if (!open || open.specs === specs) return;
  open.specs = specs;
  open.mirror.setMultiple(multipleOf(specs));
}

export function closeSession(): void {
  if (!open) return;
  for (const stop of open.stop) stop();
  open.presence?.destroy();
  open.room?.destroy();
  open.history.destroy();
  open.mirror.destroy();
  open.doc.destroy();
  open = null;
  useSession.setState(NO_SESSION, true);
}

/** The session, if it may be edited; otherwise says why not. */
export function editable(): Session | null {
  if (!open) return null;
  const state = useSession.getState();
  if (canEdit(state)) return open;
  notices.emit({ key: state.role === "viewer" ? "viewOnly" : "cannotEdit", kind: "warning" });
  return null;
}

export function undo(): void {
  const session = editable();
  const label = session?.history.undo();
  if (label) tell("undone", label);
}

export function redo(): void {
  const session = editable();
  const label = session?.history.redo();
  if (label) tell("redone", label);
}

function tell(key: string, label: { key: string; count?: number; name?: string }): void {
  const params: Record<string, string | number> = { step: label.key };
  if (label.count !== undefined) params.count = label.count;
  if (label.name !== undefined) params.name = label.name;
  notices.emit({ key, kind: "info", params });
}

export { setSelection };
