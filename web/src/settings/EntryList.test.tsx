import { act, fireEvent, screen, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { describe, expect, it } from "vitest";
import type { JsonSchema, Problem } from "@/api/types";
import { inputs, show, specOf, textbox } from "./testing";

describe("rows", () => {
  const spec = specOf(
    {
      by: {
        type: "array",
        title: "Sort by",
        minItems: 1,
        items: { $ref: "#/$defs/Key" },
      },
    },
    {
      $defs: {
        Key: {
          type: "object",
          required: ["field"],
          properties: {
            field: { type: "string", title: "Field" },
            descending: { type: "boolean", default: false, title: "Descending" },
          },
        },
      },
    },
  );
  const values = { by: [{ field: "b" }, { field: "a", descending: true }] };

  it("are added", async () => {
    const { onChange } = show(spec, { values });
    await userEvent.click(screen.getByRole("button", { name: "Add" }));
    expect(onChange).toHaveBeenCalledExactlyOnceWith("by", [...values.by, { field: "" }]);
  });

  it("are removed", async () => {
    const { onChange } = show(spec, { values });
    await userEvent.click(screen.getByRole("button", { name: "Remove entry 1" }));
    expect(onChange).toHaveBeenCalledExactlyOnceWith("by", [values.by[1]]);
  });

  it("move with the arrow keys", () => {
    const { onChange } = show(spec, { values });
    fireEvent.keyDown(screen.getByRole("button", { name: /Move entry 2/ }), { key: "ArrowUp" });
    expect(onChange).toHaveBeenCalledExactlyOnceWith("by", [values.by[1], values.by[0]]);
  });

  it("change one of their fields and keep the others", async () => {
    const { onChange } = show(spec, { values });
    await userEvent.click(screen.getByRole("button", { name: "Largest first" }));
    const expected = [{ field: "b" }, { field: "a", descending: false }];
    expect(onChange).toHaveBeenCalledExactlyOnceWith("by", expected);
  });

  it("suggest the columns that come in", async () => {
    const { onChange, field } = show(spec, { values, columns: ["amount", "region"] });
    await userEvent.clear(textbox(field("by")));
    await userEvent.click(screen.getByText("region"));
    expect(onChange).toHaveBeenLastCalledWith("by", [{ field: "region" }, values.by[1]]);
  });
});

describe("named expressions", () => {
  const text: JsonSchema = { type: "string", minLength: 1, title: "Name" };
  const expression: JsonSchema = { type: "string", "x-widget": "expression", title: "Expression" };
  const spec = specOf({
    fields: {
      type: "array",
      minItems: 1,
      items: {
        type: "object",
        required: ["name", "expression"],
        properties: { name: text, expression },
      },
    },
  });
  const total = { name: "total", expression: "item.a + 1" };
  const areas = (field: HTMLElement) => [...field.querySelectorAll("textarea")];

  it("begin with one that counts once it is written", () => {
    const { onChange, field } = show(spec);
    expect(inputs(field("fields"))).toHaveLength(1);
    expect(onChange).not.toHaveBeenCalled();
    fireEvent.change(textbox(field("fields")), { target: { value: "total" } });
    fireEvent.blur(textbox(field("fields")));
    const written = [{ name: "total", expression: "" }];
    expect(onChange).toHaveBeenCalledExactlyOnceWith("fields", written);
  });

  it("are not there for those who may only look", () => {
    const { field } = show(spec, { readOnly: true });
    expect(inputs(field("fields"))).toHaveLength(0);
  });

  it("keep their order, and the focus goes into a new one", async () => {
    const { onChange, field } = show(spec, { values: { fields: [total] } });
    await userEvent.click(screen.getByRole("button", { name: "Add" }));
    expect(document.activeElement).toBe(inputs(field("fields"))[1]);
    await userEvent.keyboard("a{Tab}1{Tab}");
    const written = [total, { name: "a", expression: "1" }];
    expect(onChange).toHaveBeenLastCalledWith("fields", written);
  });

  it("give the focus back when one is removed", async () => {
    show(spec, { values: { fields: [total, { name: "b", expression: "2" }] } });
    await userEvent.click(screen.getByRole("button", { name: "Remove entry 2" }));
    expect(document.activeElement).toBe(screen.getByRole("button", { name: "Add" }));
  });

  it("offer the columns where nothing is written, without getting in the way of Tab", async () => {
    const values = { fields: [total, { name: "b", expression: "" }] };
    const { onChange, field } = show(spec, { values, columns: ["amount", "order date"] });
    const box = areas(field("fields"))[1] as HTMLTextAreaElement;
    act(() => box.focus());
    expect(screen.getAllByRole("option")).toHaveLength(2);
    await userEvent.tab();
    expect(box.value).toBe("");
    expect(screen.queryByRole("option")).toBeNull();
    act(() => box.focus());
    await userEvent.keyboard("{ArrowDown}{ArrowDown}{Enter}");
    expect(box.value).toBe('item["order date"]');
    fireEvent.blur(box);
    const written = [total, { name: "b", expression: 'item["order date"]' }];
    expect(onChange).toHaveBeenLastCalledWith("fields", written);
  });

  it("that are unfinished are told apart from those that are wrong", () => {
    const problem = (path: Problem["path"], message: string): Problem => ({
      code: "check.bad_setting",
      severity: "error",
      message,
      path: path ?? null,
    });
    show(spec, {
      values: { fields: [total, { name: "", expression: "item." }] },
      problems: [
        problem(["fields", 1, "name"], "fields[1].name should not be empty"),
        problem(["fields", 1, "expression"], "the expression ends too early"),
      ],
    });
    expect(screen.getByText("Still to fill in: Name")).toBeTruthy();
    expect(screen.queryByText(/should not be empty/)).toBeNull();
    expect(screen.getByText("The expression ends too early")).toBeTruthy();
  });
});

describe("a map of expressions", () => {
  const fields: JsonSchema = {
    type: "object",
    additionalProperties: { type: "string", "x-widget": "expression" },
  };

  it("takes a new name, and keeps an unfinished one to itself", async () => {
    const { onChange, field } = show(specOf({ fields }), { values: { fields: { a: "1" } } });
    await userEvent.click(screen.getByRole("button", { name: "Add" }));
    expect(onChange).toHaveBeenLastCalledWith("fields", { a: "1" });
    const names = within(field("fields")).getAllByPlaceholderText("Name");
    fireEvent.change(names[1] as HTMLElement, { target: { value: "b" } });
    fireEvent.blur(names[1] as HTMLElement);
    expect(onChange).toHaveBeenLastCalledWith("fields", { a: "1", b: "" });
  });

  it("warns of a name that is there already", async () => {
    const { field } = show(specOf({ fields }), { values: { fields: { a: "1", b: "2" } } });
    const names = within(field("fields")).getAllByPlaceholderText("Name");
    fireEvent.change(names[1] as HTMLElement, { target: { value: "a" } });
    fireEvent.blur(names[1] as HTMLElement);
    expect(screen.getByText(/only the first counts/)).toBeTruthy();
  });
});
