import { MantineProvider } from "@mantine/core";
import { fireEvent, render, screen } from "@testing-library/react";
import { describe, expect, it } from "vitest";
import type { Json, PortData } from "@/api/types";
import { columnsOf } from "./columns";
import { csvOf, rowsOf, viewsOf } from "./shape";
import { shownOf } from "./shown";
import { TableView } from "./TableView";

const PORT = { count: 1, offset: 0, truncated: false, missing: false };

function records(items: Json[]): PortData {
  return { ...PORT, type: "Stream[Row]", kind: "records", count: items.length, records: items };
}

function value(type: string, value: Json): PortData {
  return { ...PORT, type, kind: "value", value };
}

describe("columns", () => {
  const rows = [
    { name: "a", amount: 3, when: "2024-01-02", ok: true, extra: { x: 1 } },
    { name: "b", amount: null, when: "2024-01-05", ok: false },
    { name: "a", amount: 9, when: "2024-02-01", ok: true, late: "x" },
  ];
  const byName = new Map(columnsOf(rows).map((column) => [column.name, column]));

  it("stand in the order in which they appear", () => {
    expect([...byName.keys()]).toEqual(["name", "amount", "when", "ok", "extra", "late"]);
  });

  it.each([
    ["name", "text"],
    ["amount", "number"],
    ["when", "date"],
    ["ok", "boolean"],
    ["extra", "object"],
  ])("%s holds %s", (name, type) => {
    expect(byName.get(name)?.type).toBe(type);
  });

  it("tell their range and what is missing", () => {
    expect(byName.get("amount")).toMatchObject({ least: 3, most: 9, nulls: 1, distinct: 2 });
    expect(byName.get("late")?.nulls).toBe(2);
  });
});

describe("ways to look at an output", () => {
  it.each([
    ["rows with numbers", records([{ a: "x", b: 1 }]), false, ["table", "chart", "json"]],
    ["rows without numbers", records([{ a: "x", b: "y" }]), false, ["table", "json"]],
    ["a chart's rows", records([{ a: "x", b: 1 }]), true, ["chart", "table", "json"]],
    ["texts", records(["a", "b"]), false, ["table", "text", "json"]],
    ["nested lists", records([[1], [2]]), false, ["json"]],
    ["a text", value("Text", "hi"), false, ["text", "json"]],
    ["an object", value("Row", { a: 1 }), false, ["json"]],
    ["a list of rows", value("Table", [{ a: "x" }]), false, ["table", "json"]],
  ] as [string, PortData, boolean, string[]][])("%s", (_name, port, isChart, views) => {
    expect(viewsOf(port, isChart)).toEqual(views);
  });

  it("makes rows of plain values", () => {
    expect(rowsOf(records([1, 2]))).toEqual([{ value: 1 }, { value: 2 }]);
  });
});

it("writes CSV that others can read", () => {
  const rows = [{ a: 'say "hi"', b: 1 }, { a: "x,y", c: null }, { a: "line\nbreak" }];
  expect(csvOf(rows)).toBe('a,b,c\r\n"say ""hi""",1,\r\n"x,y",,\r\n"line\nbreak",,\r\n');
});

describe("the table", () => {
  function show(rows: { [key: string]: string | number | null }[]) {
    return render(
      <MantineProvider env="test">
        <TableView rows={rows} total={rows.length} />
      </MantineProvider>,
    );
  }

  it("groups amounts, but neither years nor ids", () => {
    show([{ amount: 12345.5, year: 2024, order_id: 100234 }]);
    expect(screen.getByText("12,345.5")).toBeTruthy();
    expect(screen.getAllByText("2024").length).toBeGreaterThan(0);
    expect(screen.getByText("100234")).toBeTruthy();
  });

  it("lines up decimals", () => {
    show([{ amount: 12 }, { amount: 3.5 }, { amount: 1000.25 }]);
    for (const text of ["12.00", "3.50", "1,000.25"]) expect(screen.getByText(text)).toBeTruthy();
  });

  it("shows null apart from empty text", () => {
    const { container } = show([{ a: null, b: "" }]);
    expect(container.querySelectorAll("td[data-null]")).toHaveLength(1);
  });

  it("opens a record", () => {
    const { container } = show([{ name: "first" }, { name: "second" }]);
    const row = container.querySelectorAll("tbody tr")[1];
    if (row) fireEvent.click(row);
    expect(container.querySelector("aside")?.textContent).toContain("second");
  });

  it("draws only the rows in sight", () => {
    const rows = Array.from({ length: 5_000 }, (_, index) => ({ n: index }));
    const { container } = show(rows);
    expect(container.querySelectorAll("tbody tr").length).toBeLessThan(80);
  });
});

describe("what a node shows", () => {
  const rows = records([
    { a: 1, b: 2, c: 3 },
    { a: 4, b: 5, c: 6 },
  ]);

  it("has the columns and rows that its settings ask for", () => {
    const { port, columns } = shownOf("show.table", { columns: ["c", "a", ""], limit: 1 }, rows);
    expect(port).toMatchObject({ count: 1, records: [{ a: 1, b: 2, c: 3 }] });
    expect(columnsOf(rowsOf(port) ?? [], columns).map((column) => column.name)).toEqual(["c", "a"]);
  });

  it.each([
    ["show.table", { columns: [], limit: 10 }],
    ["data.limit", { columns: ["c"], limit: 1 }],
  ])("of %s is everything with %j", (type, settings) => {
    expect(shownOf(type, settings, rows)).toEqual({ port: rows, columns: undefined });
  });

  it("is everything where none of its columns are there", () => {
    const names = columnsOf([{ a: 1, b: 2 }], ["x"]).map((column) => column.name);
    expect(names).toEqual(["a", "b"]);
  });
});
