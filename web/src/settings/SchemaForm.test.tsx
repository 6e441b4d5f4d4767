import { MantineProvider } from "@mantine/core";
import { act, fireEvent, render, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { JsonSchema, Problem } from "@/api/types";
import { setLanguage } from "@/i18n";
import { SchemaForm } from "./SchemaForm";
import { show, specOf, textbox } from "./testing";

afterEach(async () => {
  vi.useRealTimers();
  await setLanguage("en");
});

describe("a text", () => {
  const spec = specOf({ path: { type: "string", title: "File", default: "data.csv" } });

  it("is handed on after a pause, once", () => {
    vi.useFakeTimers();
    const { onChange, field } = show(spec);
    fireEvent.change(textbox(field("path")), { target: { value: "a" } });
    fireEvent.change(textbox(field("path")), { target: { value: "ab" } });
    expect(onChange).not.toHaveBeenCalled();
    act(() => vi.advanceTimersByTime(1_000));
    expect(onChange).toHaveBeenCalledExactlyOnceWith("path", "ab");
  });

  it("is handed on at once when the field is left", () => {
    const { onChange, field } = show(spec);
    fireEvent.change(textbox(field("path")), { target: { value: "b.csv" } });
    fireEvent.blur(textbox(field("path")));
    expect(onChange).toHaveBeenCalledExactlyOnceWith("path", "b.csv");
  });

  it("is not lost when the panel closes", () => {
    const onChange = vi.fn();
    const view = render(
      <MantineProvider env="test">
        <SchemaForm spec={spec} values={{}} onChange={onChange} />
      </MantineProvider>,
    );
    fireEvent.change(screen.getByRole("textbox"), { target: { value: "late" } });
    view.unmount();
    expect(onChange).toHaveBeenCalledExactlyOnceWith("path", "late");
  });

  it("shows the default where nothing is set", () => {
    const { field } = show(spec);
    expect(textbox(field("path")).placeholder).toBe("data.csv");
  });

  it("goes back to the default", async () => {
    const { onChange } = show(spec, { values: { path: "x" } });
    await userEvent.click(screen.getByRole("button", { name: /Back to the default/ }));
    expect(onChange).toHaveBeenCalledExactlyOnceWith("path", undefined);
  });

  it("follows what others change, but not while one types", () => {
    const { again, field } = show(spec, { values: { path: "one" } });
    again({ path: "two" });
    expect(textbox(field("path")).value).toBe("two");
    fireEvent.change(textbox(field("path")), { target: { value: "mine" } });
    again({ path: "three" });
    expect(textbox(field("path")).value).toBe("mine");
  });
});

describe("numbers", () => {
  const limit: JsonSchema = {
    anyOf: [{ type: "integer", minimum: 1 }, { type: "null" }],
    default: null,
    title: "Limit",
  };

  it("may be left empty where that is allowed", () => {
    const { onChange, field } = show(specOf({ limit }), { values: { limit: 5 } });
    fireEvent.change(textbox(field("limit")), { target: { value: "" } });
    fireEvent.blur(textbox(field("limit")));
    expect(onChange).toHaveBeenLastCalledWith("limit", undefined);
  });

  it("stay within their bounds", () => {
    const { onChange, field } = show(specOf({ limit }));
    fireEvent.change(textbox(field("limit")), { target: { value: "-3" } });
    fireEvent.blur(textbox(field("limit")));
    expect(onChange).toHaveBeenLastCalledWith("limit", 1);
  });
});

describe("choices", () => {
  it("stand side by side when they are few and short", async () => {
    const keep: JsonSchema = { type: "string", enum: ["first", "last"], default: "first" };
    const { onChange, field } = show(specOf({ keep }));
    expect(within(field("keep")).getAllByRole("radio")).toHaveLength(2);
    await userEvent.click(within(field("keep")).getByText("Last"));
    expect(onChange).toHaveBeenCalledExactlyOnceWith("keep", "last");
  });

  it("make a list when they are many", async () => {
    const op: JsonSchema = {
      type: "string",
      enum: ["sum", "mean", "min", "max", "count_distinct"],
    };
    const { onChange, field } = show(specOf({ op }), { values: { op: "sum" } });
    await userEvent.click(textbox(field("op")));
    await userEvent.click(screen.getByText("Count distinct"));
    expect(onChange).toHaveBeenCalledExactlyOnceWith("op", "count_distinct");
  });

  it("show a value that is none of them", () => {
    const keep: JsonSchema = { type: "string", enum: ["first", "last"] };
    const { field } = show(specOf({ keep }), { values: { keep: "middle" } });
    expect(textbox(field("keep")).value).toBe("middle");
  });
});

it("switches a boolean at once", async () => {
  const { onChange, field } = show(specOf({ on: { type: "boolean", default: true } }));
  await userEvent.click(within(field("on")).getByRole("switch"));
  expect(onChange).toHaveBeenCalledExactlyOnceWith("on", false);
});

describe("an expression", () => {
  const where: JsonSchema = { type: "string", "x-widget": "expression", title: "Where" };

  it("completes the names of columns", async () => {
    const { onChange, field } = show(specOf({ where }), { columns: ["amount", "order date"] });
    const box = within(field("where")).getByRole("textbox") as HTMLTextAreaElement;
    await userEvent.type(box, "item.am");
    await userEvent.keyboard("{Enter}");
    expect(box.value).toBe("item.amount");
    fireEvent.blur(box);
    expect(onChange).toHaveBeenLastCalledWith("where", "item.amount");
  });

  it("writes columns that are no names in brackets", async () => {
    const { field } = show(specOf({ where }), { columns: ["order date"] });
    await userEvent.click(screen.getByRole("button", { name: "order date" }));
    const box = within(field("where")).getByRole("textbox") as HTMLTextAreaElement;
    expect(box.value).toBe('item["order date"]');
  });
});

describe("problems", () => {
  const spec = specOf({ where: { type: "string" }, other: { type: "string" } });
  const fix = { title: "Set where to 1", patch: { ops: [] } };
  const problem: Problem = {
    code: "check.bad_setting",
    severity: "error",
    message: "where: is wrong",
    path: ["where"],
    fixes: [fix],
  };

  it("stand at their field with a way out", async () => {
    const onFix = vi.fn();
    const { field } = show(spec, { problems: [problem], onFix });
    expect(within(field("where")).getByText("where: is wrong")).toBeTruthy();
    expect(within(field("other")).queryByText("where: is wrong")).toBeNull();
    await userEvent.click(within(field("where")).getByRole("button", { name: fix.title }));
    expect(onFix).toHaveBeenCalledExactlyOnceWith(fix);
  });

  it("that something is missing is said in fewer words", () => {
    const missing = { ...problem, code: "check.missing_setting", message: "where is required" };
    const { field } = show(spec, { problems: [missing] });
    expect(within(field("where")).getByText("Still to fill in.")).toBeTruthy();
    expect(within(field("where")).queryByText("where is required")).toBeNull();
  });

  it("of settings that the type does not know stand above", () => {
    const unknown = {
      ...problem,
      code: "check.unknown_setting",
      path: "wehre",
      message: "there is no setting wehre",
    };
    show(spec, { problems: [unknown] });
    expect(screen.getByText("There is no setting wehre")).toBeTruthy();
  });
});

it("offers nothing to change to those who may only look", () => {
  const by: JsonSchema = { type: "array", items: { type: "string" } };
  const spec = specOf({ by, on: { type: "boolean" }, name: { type: "string" } });
  const { field } = show(spec, { values: { by: ["a", "b"], name: "x" }, readOnly: true });
  expect(screen.queryByRole("button")).toBeNull();
  expect(textbox(field("name")).readOnly).toBe(true);
  expect((within(field("on")).getByRole("switch") as HTMLInputElement).disabled).toBe(true);
});

it("speaks Chinese where the node type does", async () => {
  await setLanguage("zh");
  show(specOf({ where: { type: "string", title: "Where", description: "What must hold." } }));
  expect(screen.getByText("条件")).toBeTruthy();
  expect(screen.getByText("满足时保留。")).toBeTruthy();
});

it("hides a setting until another one asks for it", () => {
  const pattern: JsonSchema = { type: "string", "x-visible-if": { mode: "regex" } };
  const mode: JsonSchema = { type: "string", enum: ["plain", "regex"], default: "plain" };
  const { again } = show(specOf({ mode, pattern }));
  expect(screen.queryByTestId("setting-pattern")).toBeNull();
  again({ mode: "regex" });
  expect(screen.getByTestId("setting-pattern")).toBeTruthy();
});
