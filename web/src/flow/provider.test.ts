import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as sync from "y-protocols/sync";
import * as Y from "yjs";
import { Room, roomsUrl } from "./provider";

type Frame = Uint8Array;

/** The other end of a connection: a room that answers marks when it is told to. */
class Server {
  readonly doc = new Y.Doc();
  readonly marks: number[] = [];
  socket: FakeSocket | null = null;

  accept(socket: FakeSocket): void {
    this.socket = socket;
    socket.open();
    this.send(0, (reply) => sync.writeSyncStep1(reply, this.doc));
  }

  send(type: number, write: (reply: encoding.Encoder) => void): void {
    const reply = encoding.createEncoder();
    encoding.writeVarUint(reply, type);
    write(reply);
    this.socket?.onmessage?.({ data: encoding.toUint8Array(reply).buffer as ArrayBuffer });
  }

  hear(frame: Frame): void {
    const decoder = decoding.createDecoder(frame);
    const type = decoding.readVarUint(decoder);
    if (type === 101) this.marks.push(decoding.readVarUint(decoder));
    if (type !== 0) return;
    const reply = encoding.createEncoder();
    encoding.writeVarUint(reply, 0);
    sync.readSyncMessage(decoder, reply, this.doc, "client");
    if (encoding.length(reply) > 1) {
      this.socket?.onmessage?.({ data: encoding.toUint8Array(reply).buffer as ArrayBuffer });
    }
  }

  save(mark: number): void {
    this.send(100, (reply) => encoding.writeVarUint(reply, mark));
  }

  drop(code: number): void {
    this.socket?.onclose?.({ code, reason: "" });
  }
}

let server: Server;
let waiting: FakeSocket[] = [];

class FakeSocket {
  readonly OPEN = 1;
  readyState = 0;
  binaryType = "";
  onopen: (() => void) | null = null;
  onclose: ((event: { code: number; reason: string }) => void) | null = null;
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null;
  onerror: (() => void) | null = null;

  constructor(readonly url: string) {
    waiting.push(this);
  }

  open(): void {
    this.readyState = 1;
    this.onopen?.();
  }

  send(frame: Frame): void {
    server.hear(frame);
  }

  close(): void {
    this.readyState = 3;
  }
}

async function tick(ms = 0): Promise<void> {
  await vi.advanceTimersByTimeAsync(ms);
}

describe("a room", () => {
  let doc: Y.Doc;
  let room: Room;

  beforeEach(() => {
    vi.useFakeTimers();
    vi.stubGlobal("WebSocket", FakeSocket);
    server = new Server();
    waiting = [];
    doc = new Y.Doc();
    room = new Room(doc, "flw_1", "ws://host/ws/flows");
    room.connect();
  });

  afterEach(() => {
    room.destroy();
    vi.unstubAllGlobals();
    vi.useRealTimers();
  });

  async function connect(): Promise<void> {
    const socket = waiting.shift();
    if (socket) server.accept(socket);
    await tick();
  }

  const edit = (value: number) => doc.getMap("meta").set("n", value);

  it("goes to the room of the flow", () => {
    expect(waiting[0]?.url).toBe("ws://host/ws/flows/flw_1");
    expect(roomsUrl({ protocol: "https:", host: "a.b" })).toBe("wss://a.b/ws/flows");
  });

  it("is saved only when the server says that it is on disk", async () => {
    await connect();
    expect(room.state).toMatchObject({ status: "connected", saved: "saved" });
    edit(1);
    edit(2);
    expect(room.state).toMatchObject({ saved: "saving", pendingEdits: 2 });
    await tick(40);
    expect(server.marks).toEqual([2]);
    edit(3);
    server.save(2);
    expect(room.state).toMatchObject({ saved: "saving", pendingEdits: 1 });
    await tick(40);
    server.save(3);
    expect(room.state).toMatchObject({ saved: "saved", pendingEdits: 0 });
  });

  it("keeps edits made offline, and sends them when the server is back", async () => {
    await connect();
    server.drop(1006);
    edit(1);
    edit(2);
    await tick(40);
    expect(room.state).toMatchObject({ status: "offline", saved: "offline", pendingEdits: 2 });
    await tick(3000);
    await connect();
    expect(server.doc.getMap("meta").get("n")).toBe(2);
    expect(server.marks.at(-1)).toBe(2);
    server.save(2);
    expect(room.state).toMatchObject({ status: "connected", saved: "saved", pendingEdits: 0 });
  });

  it("asks again after a reconnect for what was sent but not acknowledged", async () => {
    await connect();
    edit(1);
    await tick(40);
    server.drop(1006);
    await tick(3000);
    server.marks.length = 0;
    await connect();
    expect(server.marks).toEqual([1]);
  });

  it.each([
    [4401, "signed_out"],
    [4403, "no_access"],
    [4404, "not_found"],
    [4409, "reload"],
    [4400, "rejected"],
    [1009, "rejected"],
  ])("ends for good with code %i", async (code, reason) => {
    await connect();
    server.drop(code);
    await tick(60_000);
    expect(room.state).toMatchObject({ status: "offline", closed: reason });
    expect(waiting).toHaveLength(0);
  });

  it("waits a few seconds when it was too fast, then goes on", async () => {
    await connect();
    edit(7);
    server.drop(4429);
    expect(room.state.closed).toBe("too_fast");
    await tick(6000);
    await connect();
    expect(room.state).toMatchObject({ status: "connected", closed: null });
    expect(server.doc.getMap("meta").get("n")).toBe(7);
  });

  it("hears that an edit was refused", async () => {
    const heard: string[] = [];
    room.refused.on((code) => heard.push(code));
    await connect();
    server.send(102, (reply) => encoding.writeVarString(reply, "auth.forbidden"));
    expect(heard).toEqual(["auth.forbidden"]);
  });
});
