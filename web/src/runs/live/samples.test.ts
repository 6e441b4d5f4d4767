import { describe, expect, it } from "vitest";
import type { RunEvent } from "@/api/types";
import { samplesOf } from "./samples";

const event = (seq: number, type: string, node: string, records: unknown[]): RunEvent =>
  ({ seq, at: "2026-01-01T00:00:00Z", type, run: "r", node, records }) as unknown as RunEvent;

describe("samples of a live run", () => {
  it("are those of the node, the newest first", () => {
    const events = [
      event(1, "node_sample", "a", [1, 2]),
      event(2, "node_sample", "b", [9]),
      event(3, "node_started", "a", [7]),
      event(4, "node_sample", "a", [3]),
    ];
    expect(samplesOf(events, "a")).toEqual([3, 2, 1]);
    expect(samplesOf(events, "c")).toEqual([]);
  });

  it("are a hundred at most", () => {
    const many = Array.from({ length: 70 }, (_, n) =>
      event(n, "node_sample", "a", [2 * n, 2 * n + 1]),
    );
    const found = samplesOf(many, "a");
    expect(found).toHaveLength(100);
    expect(found[0]).toBe(139);
  });
});
