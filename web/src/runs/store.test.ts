import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunEvent, RunInfo } from "@/api/types";
import { closeSession, openSession } from "@/flow/session";
import { canEdit, useSession } from "@/flow/store";
import { attachRun, detachRun, onRunEnded, startRun, useRun, useViewing, watchFlow } from "./store";

class FakeSocket {
  static all: FakeSocket[] = [];
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: string }) => void) | null = null;
  onclose: ((event: { code: number }) => void) | null = null;
  closed = false;

  constructor(readonly url: string) {
    FakeSocket.all.push(this);
  }

  close(): void {
    this.closed = true;
  }

  send(event: object): void {
    this.onmessage?.({ data: JSON.stringify(event) });
  }
}

const open = (path: string) =>
  FakeSocket.all.findLast((socket) => !socket.closed && socket.url.includes(path));

function info(id: string, rest: Partial<RunInfo> = {}): RunInfo {
  return {
    id,
    number: 1,
    flow_id: "flw_1",
    workspace_id: "wsp_1",
    state: "running",
    env: "local",
    started_by: null,
    created_at: "2026-05-01T10:00:00Z",
    last_seq: 0,
    mode: "batch",
    priority: 0,
    children: 0,
    ...rest,
  };
}

function event(seq: number, type: string, rest: Partial<RunEvent> = {}): RunEvent {
  return { seq, at: "2026-05-01T10:00:01Z", type, run: "run_1", ...rest };
}

const answers = new Map<string, () => Promise<unknown>>();

beforeEach(() => {
  FakeSocket.all = [];
  answers.clear();
  vi.stubGlobal("WebSocket", FakeSocket);
  vi.stubGlobal("fetch", async (url: string) => {
    const path = String(url).replace("/api", "").replace(/\?.*/, "");
    const body = await (answers.get(path)?.() ?? Promise.reject(new Error(`no answer: ${path}`)));
    return new Response(JSON.stringify(body), { status: 200 });
  });
  vi.stubGlobal("requestAnimationFrame", (flush: () => void) => {
    queueMicrotask(flush);
    return 0;
  });
});

afterEach(() => {
  detachRun();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const settled = () => new Promise((resolve) => setTimeout(resolve, 0));

describe("a run that is shown", () => {
  it("follows its events and tells of its end", async () => {
    answers.set("/runs/run_1", async () => info("run_1"));
    const ended = vi.fn();
    const stop = onRunEnded(ended);
    await attachRun("run_1");
    const socket = open("/ws/runs/run_1");
    socket?.send(event(1, "node_started", { node: "read" }));
    socket?.send(event(2, "node_completed", { node: "read", duration_ms: 3 }));
    await settled();
    expect(useRun.getState().nodes.read?.state).toBe("completed");
    expect(ended).not.toHaveBeenCalled();
    socket?.send(event(3, "run_completed", { duration_ms: 9 }));
    await settled();
    expect(ended).toHaveBeenCalledOnce();
    stop();
  });

  it("is the one that was asked for last", async () => {
    let answerFirst: (value: RunInfo) => void = () => undefined;
    answers.set("/runs/run_1", () => new Promise((resolve) => (answerFirst = resolve)));
    answers.set("/runs/run_2", async () => info("run_2"));
    const first = attachRun("run_1");
    await attachRun("run_2");
    answerFirst(info("run_1"));
    await first;
    expect(useRun.getState().runId).toBe("run_2");
  });

  it("is resumed behind the last event when the connection breaks", async () => {
    vi.useFakeTimers();
    answers.set("/runs/run_1", async () => info("run_1"));
    await attachRun("run_1");
    open("/ws/runs/run_1")?.send(event(7, "node_started", { node: "read" }));
    await vi.advanceTimersByTimeAsync(1);
    open("/ws/runs/run_1")?.onclose?.({ code: 1006 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(FakeSocket.all.at(-1)?.url).toContain("/ws/runs/run_1?after=7");
  });

  it("is not asked for again when access was taken away", async () => {
    vi.useFakeTimers();
    answers.set("/runs/run_1", async () => info("run_1"));
    await attachRun("run_1");
    const count = FakeSocket.all.length;
    open("/ws/runs/run_1")?.onclose?.({ code: 4403 });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(FakeSocket.all).toHaveLength(count);
  });
});

describe("a watched flow", () => {
  it("shows the run that somebody else starts", async () => {
    answers.set("/runs", async () => ({ items: [] }));
    answers.set("/runs/run_9", async () => info("run_9", { number: 9 }));
    const stop = watchFlow("wsp_1", "flw_1");
    await settled();
    const socket = open("/ws/workspaces/wsp_1/events");
    socket?.send({ seq: 1, at: "", type: "run_created", flow: "flw_2", run: "run_8" });
    socket?.send({ seq: 2, at: "", type: "run_created", flow: "flw_1", run: "run_9" });
    await settled();
    await settled();
    expect(useRun.getState()).toMatchObject({ runId: "run_9", number: 9 });
    stop();
    expect(useRun.getState().state).toBe("idle");
  });

  it("is watched once however many ask", async () => {
    answers.set("/runs", async () => ({ items: [] }));
    const stops = [watchFlow("wsp_1", "flw_1"), watchFlow("wsp_1", "flw_1")];
    const sockets = FakeSocket.all.filter((socket) => socket.url.includes("/workspaces/"));
    expect(sockets).toHaveLength(1);
    stops[0]?.();
    expect(sockets[0]?.closed).toBe(false);
    stops[1]?.();
    expect(sockets[0]?.closed).toBe(true);
  });
});

it("shows a run that was just started", async () => {
  answers.set("/flows/flw_1/runs", async () => info("run_3", { state: "ready" }));
  await startRun("flw_1");
  expect(useRun.getState()).toMatchObject({ runId: "run_3", flowId: "flw_1" });
  expect(open("/ws/runs/run_3")).toBeDefined();
});

describe("an older run", () => {
  it("is looked at also when the document is opened again", () => {
    const user = { id: "u", name: "U", color: "#000" };
    openSession({ flowId: "flw_1", user, role: "owner", url: null });
    useViewing.setState({ old: true });
    expect(canEdit(useSession.getState())).toBe(false);
    openSession({ flowId: "flw_1", user, role: "editor", url: null });
    expect(canEdit(useSession.getState())).toBe(false);
    useViewing.setState({ old: false });
    expect(canEdit(useSession.getState())).toBe(true);
    closeSession();
  });
});
