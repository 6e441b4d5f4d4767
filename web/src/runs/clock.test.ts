import { act, renderHook } from "@testing-library/react";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { useSession } from "@/flow/store";
import { useTicking } from "./clock";

beforeEach(() => {
  vi.useFakeTimers();
  useSession.setState({ status: "connected" });
});
afterEach(() => vi.useRealTimers());

const pass = (ms: number) => act(() => vi.advanceTimersByTime(ms));

describe("the clock of a run", () => {
  it("goes on while the run does", () => {
    const { result } = renderHook(() => useTicking(true));
    const before = result.current;
    pass(1000);
    expect(result.current - before).toBe(1000);
  });

  it("stands still while the server is away", () => {
    const { result } = renderHook(() => useTicking(true));
    act(() => useSession.setState({ status: "offline" }));
    const before = result.current;
    pass(5000);
    expect(result.current).toBe(before);
    act(() => useSession.setState({ status: "connected" }));
    pass(200);
    expect(result.current - before).toBe(5200);
  });
});
