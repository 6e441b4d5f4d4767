import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { act, cleanup, render, screen } from "@testing-library/react";
import i18next from "i18next";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RunEvent } from "@/api/types";
import { queryClient } from "@/app/queryClient";
import { addNode } from "@/flow/commands";
import { wrap } from "@/flow/containers";
import { closeSession } from "@/flow/session";
import { openTestSession } from "@/flow/testing/session";
import { activations } from "../activations";
import { ActivationBar } from "./ActivationBar";

const AT = Date.parse("2026-05-01T10:00:00Z");
let seq = 0;

function happened(type: string, node: string, scope: string, rest: Partial<RunEvent> = {}): void {
  seq += 1;
  const at = new Date(AT + seq).toISOString();
  activations.apply({ seq, at, type, run: "run_1", node, scope, ...rest }, AT + seq);
}

const replaced = (node: string, scope: string, when: string, edited: string[]) =>
  happened("breakpoint_hit", node, scope, { when, edited, stop: `${node}@${scope}` });

function show(path: string, scope: string | null): string {
  render(
    <QueryClientProvider client={queryClient}>
      <MantineProvider env="test">
        <ActivationBar shown={{ path, scope }} />
      </MantineProvider>
    </QueryClientProvider>,
  );
  return screen.queryByTestId("activation-bar")?.textContent ?? "";
}

describe("what is said of an activation", () => {
  let inner = "";
  let attempt = "";
  let loop = "";
  const inTry = () => `${loop}/${attempt}/${inner}`;

  beforeEach(() => {
    openTestSession();
    vi.stubGlobal("fetch", async () => Response.json({ code: "test.refused" }, { status: 404 }));
    inner = addNode("data.filter", { x: 0, y: 0 }) ?? "";
    attempt = wrap([inner], "control.try") ?? "";
    loop = wrap([attempt], "control.for_each") ?? "";
  });
  afterEach(async () => {
    cleanup();
    closeSession();
    activations.clear();
    queryClient.clear();
    vi.unstubAllGlobals();
    await act(() => i18next.changeLanguage("en"));
  });

  it.each([
    ["en", "loop:3~2", "try:0", "round 3 · attempt 2"],
    ["en", "loop:3~2", "try@catch:0", "round 3 · attempt 2 › On error"],
    ["en", "loop:0", "try:0~2", "round 0 › attempt 2"],
    ["zh", "loop:3~2", "try@catch:0", "第 3 轮 · 第 2 次尝试 › 出错时"],
  ])("is its round in words: %s %s/%s", async (language, outer, own, expected) => {
    await act(() => i18next.changeLanguage(language));
    const scope = `${outer}/${own}`;
    happened("node_started", inTry(), scope);
    const text = show(inTry(), scope);
    expect(text).toContain(expected);
    expect(text).not.toMatch(/\[|~|@/);
  });

  it("is that a value was replaced before it ran, though it had not begun then", () => {
    replaced(inner, "", "before", ["item"]);
    happened("node_started", inner, "");
    happened("node_completed", inner, "");
    show(inner, "");
    const text = screen.getByTestId("activation-edited").textContent;
    expect(text).toBe("Replaced in the debugger before it ran: item");
  });

  it("is that values were replaced after it ran, of that round only", () => {
    for (const scope of ["loop:0", "loop:1"]) happened("node_started", `${loop}/x`, scope);
    replaced(`${loop}/x`, "loop:1", "after", ["rows", "rest"]);
    show(`${loop}/x`, "loop:1");
    const text = screen.getByTestId("activation-edited").textContent;
    expect(text).toBe("Replaced in the debugger after it ran: rows, rest");
    cleanup();
    show(`${loop}/x`, "loop:0");
    expect(screen.queryByTestId("activation-edited")).toBeNull();
  });

  it("is nothing where it only stood still", () => {
    replaced(inner, "", "before", []);
    happened("node_started", inner, "");
    expect(show(inner, "")).toBe("");
  });
});
