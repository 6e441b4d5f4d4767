/** Real Yjs clients: yjs and y-websocket as anybody would use them, with a session cookie. */
import * as decoding from "lib0/decoding";
import * as encoding from "lib0/encoding";
import { WebsocketProvider } from "y-websocket";
import WebSocket from "ws";
import * as Y from "yjs";

const SAVED = 100;
const MARK = 101;
const REFUSED = 102;
const PATIENCE_MS = 20_000;

/** Resolves once `happened()` is true; it is asked again after every event of the loop. */
export async function until(happened, what = happened.toString()) {
  const deadline = Date.now() + PATIENCE_MS;
  while (!happened()) {
    if (Date.now() > deadline) throw new Error(`this did not happen: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

/** A client as the y-websocket documentation shows it; browsers send cookie and origin by themselves. */
export class Person {
  constructor({ url, flow, cookie, name = "somebody", connect = true, doc = new Y.Doc() }) {
    const counts = { sent: 0, received: 0, awareness: 0 };
    this.counts = counts;
    class Socket extends WebSocket {
      constructor(address) {
        super(address, { headers: { Cookie: cookie, Origin: url }, perMessageDeflate: false });
        this.on("message", (data) => {
          const bytes = new Uint8Array(data);
          counts.received++;
          if (bytes[0] === 1 && bytes.length > 3) counts.awareness++;
        });
      }
      send(...given) {
        counts.sent++;
        super.send(...given);
      }
    }
    this.name = name;
    this.doc = doc;
    this.meta = doc.getMap("meta");
    this.nodes = doc.getMap("nodes");
    this.edges = doc.getMap("edges");
    this.notes = doc.getMap("notes");
    this.codes = [];
    this.refused = [];
    this.saved = 0;
    this.marks = 0;
    const rooms = `${url.replace("http", "ws")}/ws/flows`;
    this.provider = new WebsocketProvider(rooms, flow, doc, {
      WebSocketPolyfill: Socket,
      disableBc: true,
      maxBackoffTime: 100,
      connect,
    });
    this.provider.on("connection-close", (event) => this.codes.push(event?.code));
    this.provider.messageHandlers[SAVED] = (_, decoder) => {
      this.saved = Math.max(this.saved, decoding.readVarUint(decoder));
    };
    this.provider.messageHandlers[REFUSED] = (_, decoder) => {
      this.refused.push(decoding.readVarString(decoder));
    };
  }

  get awareness() {
    return this.provider.awareness;
  }

  async joined() {
    await until(() => this.online, `${this.name} is in the room`);
    return this;
  }

  /** Waits until everything this client did is on disk. */
  async stored() {
    const mark = ++this.marks;
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, MARK);
    encoding.writeVarUint(encoder, mark);
    while (this.saved < mark) {
      // The connection may break just now; then the next one is asked.
      await until(() => this.online, `${this.name} is online`);
      const { ws } = this.provider;
      ws.send(encoding.toUint8Array(encoder));
      await until(() => this.saved >= mark || this.provider.ws !== ws, `${this.name} saved`);
    }
  }

  get online() {
    const { synced, ws } = this.provider;
    return synced && ws !== null && ws.readyState === ws.OPEN;
  }

  addNode(id, type, fields = {}) {
    this.doc.transact(() => {
      const node = new Y.Map();
      node.set("type", type);
      node.set("settings", new Y.Map());
      node.set("texts", new Y.Map());
      for (const [key, value] of Object.entries(fields)) node.set(key, value);
      this.nodes.set(id, node);
    });
  }

  addEdge(source, sourcePort, target, targetPort) {
    const ends = { source, source_port: sourcePort, target, target_port: targetPort };
    const id = `${source}.${sourcePort}>${target}.${targetPort}`;
    this.edges.set(id, new Y.Map(Object.entries(ends)));
  }

  /** The names of those whose presence this client sees. */
  people() {
    const states = [...this.awareness.getStates().values()];
    return states.map((state) => state.user?.name).filter(Boolean).sort();
  }

  plain() {
    const roots = { meta: this.meta, nodes: this.nodes, edges: this.edges, notes: this.notes };
    return sorted(Object.fromEntries(Object.entries(roots).map(([k, v]) => [k, v.toJSON()])));
  }

  text() {
    return JSON.stringify(this.plain());
  }

  leave() {
    this.provider.destroy();
  }
}

/** The same value with the keys of every object in order; peers keep them in different ones. */
export function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

/** A small generator of numbers, so that a run can be repeated by its seed. */
export function chance(seed) {
  let state = seed >>> 0 || 1;
  const next = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return {
    below: (n) => Math.floor(next() * n),
    pick: (list) => list[Math.floor(next() * list.length)],
    maybe: (probability) => next() < probability,
  };
}

/** Runs a scenario on the arguments that the test gave, and prints what it found as JSON. */
export async function scenario(play) {
  const given = JSON.parse(process.argv[2]);
  try {
    const found = await play(given);
    process.stdout.write(JSON.stringify(found ?? {}), () => process.exit(0));
  } catch (error) {
    process.stderr.write(`${error.stack}\n`, () => process.exit(1));
  }
}
