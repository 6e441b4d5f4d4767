/** The connection to the room of a flow, and the truth about what is saved. */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { WebsocketProvider } from "y-websocket";
import type * as Y from "yjs";
import { Emitter } from "./emitter";
import type { Closed, Saved, Status } from "./store";

const SYNC = 0;
const SAVED = 100;
const MARK = 101;
const REFUSED = 102;

/** Wait after an edit before asking whether it is on disk: one question for a burst of edits. */
const MARK_DELAY_MS = 30;
const TOO_FAST_WAIT_MS = 5000;

/** Codes after which trying again at once would end the same way. */
const CLOSE_CODES: Record<number, Closed> = {
  1009: "rejected",
  4400: "rejected",
  4401: "signed_out",
  4403: "no_access",
  4404: "not_found",
  4409: "reload",
  4429: "too_fast",
};

export interface RoomState {
  status: Status;
  saved: Saved;
  pendingEdits: number;
  closed: Closed | null;
}

/** The address of the rooms on the server this page came from. */
export function roomsUrl(at: { protocol: string; host: string }): string {
  return `${at.protocol === "https:" ? "wss" : "ws"}://${at.host}/ws/flows`;
}

export class Room {
  readonly provider: WebsocketProvider;
  readonly changed = new Emitter<RoomState>();
  readonly refused = new Emitter<string>();
  readonly synced = new Emitter<void>();
  readonly connected = new Emitter<void>();

  private edits = 0;
  private acknowledged = 0;
  private marked = 0;
  /** True once this connection has sent everything it had: only then a mark means something. */
  private caughtUp = false;
  private closed: Closed | null = null;
  private status: Status = "connecting";
  private markTimer: ReturnType<typeof setTimeout> | undefined;
  private retryTimer: ReturnType<typeof setTimeout> | undefined;
  private readonly onUpdate = (_update: Uint8Array, origin: unknown) => {
    if (origin !== this.provider) this.onEdit();
  };

  constructor(
    readonly doc: Y.Doc,
    flowId: string,
    url: string,
  ) {
    this.provider = new WebsocketProvider(url, flowId, doc, {
      disableBc: true,
      connect: false,
      shouldReconnect: ({ code }) => !(code in CLOSE_CODES),
    });
    this.handleSync();
    this.provider.messageHandlers[SAVED] = (_reply, decoder) =>
      this.onSaved(decoding.readVarUint(decoder));
    this.provider.messageHandlers[REFUSED] = (_reply, decoder) =>
      this.refused.emit(decoding.readVarString(decoder));
    this.provider.on("status", ({ status }) => this.onStatus(status));
    this.provider.on("connection-close", () => this.onStatus("disconnected"));
    this.provider.on("closed", ({ code }) => this.onClosed(code));
    this.provider.on("sync", (synced) => {
      if (synced) this.synced.emit();
    });
    doc.on("update", this.onUpdate);
  }

  connect(): void {
    this.provider.connect();
  }

  /** Notices when the server asked for what it lacks: the answer leaves right after the handler. */
  private handleSync(): void {
    const handle = this.provider.messageHandlers[SYNC];
    if (!handle) return;
    this.provider.messageHandlers[SYNC] = (reply, decoder, provider, emitSynced, type) => {
      const before = encoding.length(reply);
      handle(reply, decoder, provider, emitSynced, type);
      if (encoding.length(reply) > before + 1) queueMicrotask(() => this.onCaughtUp());
    };
  }

  private onCaughtUp(): void {
    this.caughtUp = true;
    this.marked = this.acknowledged;
    this.sendMark();
  }

  private onEdit(): void {
    this.edits++;
    this.markTimer ??= setTimeout(() => {
      this.markTimer = undefined;
      this.sendMark();
    }, MARK_DELAY_MS);
    this.publish();
  }

  private sendMark(): void {
    const { ws, wsconnected } = this.provider;
    const open = ws !== null && wsconnected && ws.readyState === ws.OPEN;
    if (!open || !this.caughtUp || this.marked === this.edits) return;
    this.marked = this.edits;
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, MARK);
    encoding.writeVarUint(encoder, this.marked);
    ws.send(encoding.toUint8Array(encoder));
  }

  private onSaved(mark: number): void {
    this.acknowledged = Math.min(Math.max(this.acknowledged, mark), this.edits);
    this.publish();
  }

  private onStatus(status: string): void {
    if (status !== "connected") this.caughtUp = false;
    this.status = status === "connected" ? "connected" : this.downStatus(status);
    if (status === "connected") {
      this.closed = null;
      this.connected.emit();
    }
    this.publish();
  }

  /** The first attempt is "connecting"; once it failed or broke off we are offline. */
  private downStatus(status: string): Status {
    const first = this.provider.wsUnsuccessfulReconnects === 0 && this.status === "connecting";
    return status === "connecting" && first ? "connecting" : "offline";
  }

  private onClosed(code: number): void {
    this.closed = CLOSE_CODES[code] ?? "rejected";
    this.status = "offline";
    if (this.closed === "too_fast") {
      this.retryTimer = setTimeout(() => this.provider.connect(), TOO_FAST_WAIT_MS);
    }
    this.publish();
  }

  get state(): RoomState {
    const pendingEdits = this.edits - this.acknowledged;
    const up = this.status === "connected";
    const saved = up ? (pendingEdits > 0 ? "saving" : "saved") : "offline";
    return { status: this.status, saved, pendingEdits, closed: this.closed };
  }

  private publish(): void {
    this.changed.emit(this.state);
  }

  destroy(): void {
    clearTimeout(this.markTimer);
    clearTimeout(this.retryTimer);
    this.doc.off("update", this.onUpdate);
    this.provider.destroy();
  }
}
