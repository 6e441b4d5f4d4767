import { describe, expect, it } from "vitest";
import { summary } from "./summary";
import { concerns, type TriggerInfo } from "./triggers";

const say = ((key: string, given: Record<string, unknown> = {}) =>
  [key, ...Object.values(given)].join(" ")) as unknown as Parameters<typeof summary>[1];

function trigger(type: string, settings: Record<string, unknown>): TriggerInfo {
  return { node: "a", type, active: true, settings } as unknown as TriggerInfo;
}

describe("a trigger in one line", () => {
  it.each([
    [
      "trigger.schedule",
      { when: "0 9 * * *", timezone: "Asia/Shanghai" },
      "0 9 * * * · Asia/Shanghai",
    ],
    ["trigger.schedule", { when: "every 5 minutes", timezone: "UTC" }, "every 5 minutes"],
    ["trigger.webhook", { methods: ["POST", "PUT"] }, "POST, PUT"],
    ["trigger.file_watch", { pattern: "in/*.csv" }, "in/*.csv"],
    ["trigger.message", { queue: "orders" }, "queue orders"],
    ["trigger.flow_ended", { ends: "failed" }, "ends.failed"],
    ["trigger.of_a_plugin", {}, ""],
  ])("%s %j", (type, settings, line) => {
    expect(summary(trigger(type, settings), say)).toBe(line);
  });
});

describe("news", () => {
  it.each([
    ["trigger_event", true],
    ["flow_armed", true],
    ["run_state", true],
    ["flow_changed", false],
  ])("%s", (type, wanted) => expect(concerns({ type })).toBe(wanted));
});
