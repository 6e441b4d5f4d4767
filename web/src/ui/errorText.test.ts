import { describe, expect, it } from "vitest";
import { ApiError } from "@/api/errors";
import { describeCoded, describeError, fixTitle } from "./errorText";

describe("describeError", () => {
  it("says known codes in the reader's language", () => {
    const error = new ApiError(403, { code: "auth.forbidden", detail: "Your role is viewer." });
    expect(describeError(error, "en").message).toBe("You are not allowed to do this.");
    expect(describeError(error, "zh").message).toBe("你没有权限执行此操作。");
    expect(describeError(error, "zh").hint).not.toBe("");
  });

  it("falls back to the server's words and hint", () => {
    const error = new ApiError(422, {
      code: "flow.file.unknown_key",
      detail: "Line 3: there is no key 'nods'.",
      hint: "Did you mean 'nodes'?",
    });
    expect(describeError(error, "en")).toEqual({
      message: "Line 3: there is no key 'nods'.",
      hint: "Did you mean 'nodes'?",
    });
  });

  it("fills in what the error is about", () => {
    const error = new ApiError(422, { code: "auth.password_short", params: { least: 10 } });
    expect(describeError(error, "en").hint).toContain("at least 10 characters");
  });

  it("takes any thrown value", () => {
    expect(describeError(new Error("boom"), "en").message).toBe("boom");
    expect(describeError("odd", "en").message).toBe("odd");
  });
});

describe("describeCoded", () => {
  const problem = {
    code: "check.bad_setting",
    message: "size: should be greater than or equal to 1",
    hint: "Did you mean 1?",
    params: { setting: "size", rule: "greater_than_equal", ge: 1 },
  };

  it("prefers the rule that was broken", () => {
    expect(describeCoded(problem, "zh").message).toBe("“size”不能小于 1。");
  });

  it("calls settings by their labels", () => {
    const params = { ...problem.params, title: "Size", title_zh: "大小" };
    expect(describeCoded({ ...problem, params }, "zh").message).toBe("“大小”不能小于 1。");
  });

  it.each([
    ["join_no_key", "请写明两边共有的列，或分别给出左右两边的键。"],
    ["of_a_plugin", "有几项设置不能这样搭配。"],
  ])("says what is wrong with several settings: %s", (rule, text) => {
    expect(describeCoded({ ...problem, params: { rule } }, "zh").message).toBe(text);
  });

  it("leaves English to the engine", () => {
    expect(describeCoded(problem, "en")).toEqual({ message: problem.message, hint: problem.hint });
  });

  it("does not mix an English hint into Chinese", () => {
    expect(describeCoded(problem, "zh").hint).toBe("");
  });

  it("uses the next text when a part is missing", () => {
    const unknown = { code: "check.unknown_type", message: "", params: { type: "a.b" } };
    const near = { ...unknown, params: { type: "a.b", nearest: "a.c" } };
    expect(describeCoded(near, "zh").hint).toBe("是否想用“a.c”？");
    expect(describeCoded(unknown, "zh").hint).toBe("请安装提供它的扩展包。");
  });

  it("says what to do of a rule before what to do in general", () => {
    const params = { type: "flow.output", rule: "output" };
    const output = { code: "check.unknown_type", message: "", params };
    expect(describeCoded(output, "zh").hint).toContain("流程的输出不需要节点");
  });
});

it("says what a fix does", () => {
  const fix = {
    code: "fix.rename_setting",
    title: "Rename it to where",
    params: { setting: "where" },
    patch: { ops: [] },
  };
  expect(fixTitle(fix, "zh")).toBe("改名为 where");
  expect(fixTitle(fix, "en")).toBe("Rename it to where");
});
