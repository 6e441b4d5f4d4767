import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { addNode } from "@/flow/commands";
import { wrap } from "@/flow/containers";
import { closeSession, type Notice, notices } from "@/flow/session";
import { useSession } from "@/flow/store";
import { openTestSession } from "@/flow/testing/session";
import { useRun } from "@/runs/store";
import { outermostAround } from "./inside";
import { run } from "./run";

const asked = vi.fn<(path: string, body: Record<string, unknown>) => void>();

describe("a node in a container", () => {
  let inner = "";
  let loop = "";
  let outer = "";
  let beside = "";
  let told: Notice[] = [];
  let stop = () => {};
  const none = useRun.getState();

  beforeEach(() => {
    openTestSession();
    inner = addNode("data.filter", { x: 0, y: 0 }) ?? "";
    beside = addNode("data.filter", { x: 900, y: 0 }) ?? "";
    loop = wrap([inner], "control.for_each") ?? "";
    outer = wrap([loop], "control.for_each") ?? "";
    useSession.setState({ status: "connected", saved: "saved" });
    told = [];
    stop = notices.on((notice) => told.push(notice));
    // The server refuses everything: only what it is asked matters here.
    vi.stubGlobal("fetch", async (path: string, init?: RequestInit) => {
      asked(path, JSON.parse(String(init?.body ?? "{}")));
      return Response.json({ code: "test.refused", detail: "refused" }, { status: 409 });
    });
    asked.mockReset();
  });
  afterEach(() => {
    stop();
    closeSession();
    useRun.setState(none, true);
    vi.unstubAllGlobals();
  });

  it("runs with the outermost container around it", () => {
    expect(outermostAround(inner)).toBe(outer);
    expect(outermostAround(loop)).toBe(outer);
    expect(outermostAround(outer)).toBeNull();
    expect(outermostAround(beside)).toBeNull();
    expect(outermostAround("gone")).toBeNull();
  });

  it.each([
    ["from it", () => ({ fromNode: inner })],
    ["up to it", () => ({ toNode: inner })],
    ["it alone", () => ({ fromNode: inner, toNode: inner })],
    ["from one beside up to it", () => ({ fromNode: beside, toNode: inner })],
  ])("is not run by itself, and said why: %s", async (_, wanted) => {
    await run(wanted());
    expect(asked).not.toHaveBeenCalled();
    expect(told).toMatchObject([{ key: "run.inside", action: { key: "runFrom" } }]);
  });

  it("is run by what is offered instead", async () => {
    await run({ fromNode: inner });
    told[0]?.action?.run();
    await vi.waitFor(() => expect(asked).toHaveBeenCalled());
    expect(asked.mock.calls[0]?.[1]).toMatchObject({ from_node: outer });
  });

  it("changes nothing for nodes beside it", async () => {
    await run({ fromNode: beside });
    expect(asked.mock.calls[0]?.[1]).toMatchObject({ from_node: beside });
  });
});
