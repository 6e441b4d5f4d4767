import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, waitFor } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { FlowInfo } from "@/api/types";
import { queryClient } from "@/app/queryClient";
import { NO_SESSION, useSession } from "@/flow/store";
import { SchemaForm } from "../SchemaForm";
import { specOf } from "../testing";

const AT = "2024-05-01T10:00:00Z";
const idOf = (letter: string): string => `flw_${letter.repeat(26)}`;
const flow = (letter: string, name: string, workspace_id = "wsp_1"): FlowInfo =>
  ({
    id: idOf(letter),
    name,
    workspace_id,
    description: `About ${name}`,
    created_by: { id: "usr_1", name: "Angela" },
    updated_at: AT,
  }) as FlowInfo;

const OWN = flow("A", "Orders");
const FLOWS = [
  OWN,
  flow("B", "Price of an order"),
  flow("C", "Twice"),
  flow("D", "Twice"),
  flow("E", "Elsewhere", "wsp_2"),
];
const PAGE = 2;

/** Answers as the server does: pages, every word in the name, 404 for what one may not see. */
function answer(url: URL): Response {
  const id = url.pathname.split("/")[3];
  if (id) {
    const found = FLOWS.find((each) => each.id === id);
    return found
      ? Response.json(found)
      : Response.json({ code: "flow.not_found" }, { status: 404 });
  }
  const workspace = url.searchParams.get("workspace");
  const words = (url.searchParams.get("query") ?? "").toLowerCase().split(/\s+/);
  const all = FLOWS.filter(({ name }) => words.every((word) => name.toLowerCase().includes(word)));
  const seen = all.filter((each) => workspace === null || each.workspace_id === workspace);
  // The list to choose from is one page; what is looked for by name may be on a later one.
  const size = Number(url.searchParams.get("limit")) > 100 ? PAGE : seen.length;
  const from = Number(url.searchParams.get("cursor") ?? 0);
  const next = from + size < seen.length ? String(from + size) : null;
  return Response.json({ items: seen.slice(from, from + size), next_cursor: next });
}

beforeEach(() => {
  vi.stubGlobal("fetch", async (address: string) => answer(new URL(address, "http://weft.test")));
  useSession.setState({ flowId: OWN.id });
  queryClient.setQueryData(["flow", OWN.id], { ...OWN, role: "editor" });
});

afterEach(() => {
  cleanup();
  queryClient.clear();
  useSession.setState(NO_SESSION, true);
  vi.unstubAllGlobals();
});

function show(value = "", { member = true, readOnly = false } = {}) {
  const workspaces = member ? [{ id: "wsp_1", name: "One", role: "editor" }] : [];
  queryClient.setQueryData(["session"], { kind: "in", session: { workspaces } });
  const spec = specOf({ flow: { type: "string", "x-widget": "flow", title: "Flow" } });
  const onChange = vi.fn();
  const form = (given: string) => (
    <QueryClientProvider client={queryClient}>
      <MantineProvider env="test">
        <SchemaForm
          spec={spec}
          values={given ? { flow: given } : {}}
          onChange={onChange}
          readOnly={readOnly}
        />
      </MantineProvider>
    </QueryClientProvider>
  );
  render(form(value));
  const input = screen.getByTestId("setting-flow").querySelector("input") as HTMLInputElement;
  return { onChange, input };
}

const shown = () => screen.queryAllByTestId("flow-choice").map((each) => each.dataset.flow);

describe("the flow to call", () => {
  it("is chosen by its name among those of the workspace, without the open one", async () => {
    const { onChange, input } = show();
    await userEvent.click(input);
    await waitFor(() => expect(shown()).toEqual([idOf("B"), idOf("C"), idOf("D")]));
    await userEvent.click(screen.getByText("Price of an order"));
    expect(onChange).toHaveBeenLastCalledWith("flow", "Price of an order");
  });

  it("is searched for by any part of the name", async () => {
    const { input } = show();
    await userEvent.type(input, "order price");
    await waitFor(() => expect(shown()).toEqual([idOf("B")]));
  });

  it("does not hide the others once it is chosen", async () => {
    const { input } = show("Price of an order");
    await userEvent.click(input);
    await waitFor(() => expect(shown()).toHaveLength(3));
  });

  it("is told by its id where several have the name", async () => {
    const { onChange, input } = show();
    await userEvent.type(input, "Twice");
    await waitFor(() => expect(shown()).toEqual([idOf("C"), idOf("D")]));
    await userEvent.click(screen.getAllByText("Twice")[1] as HTMLElement);
    expect(onChange).toHaveBeenLastCalledWith("flow", idOf("D"));
  });

  it("may be typed, whether it is there or not", async () => {
    const { onChange, input } = show();
    await userEvent.type(input, "Not yet made{Enter}");
    expect(onChange).toHaveBeenCalledExactlyOnceWith("flow", "Not yet made");
  });

  it("is only looked at by those who may not edit", async () => {
    const { input } = show("Price of an order", { readOnly: true });
    expect(input.readOnly).toBe(true);
    await userEvent.click(input);
    await screen.findByTestId("open-called-flow");
    expect(shown()).toEqual([]);
  });

  it("of a shared flow is one of those shared from the same workspace", async () => {
    const { input } = show("", { member: false });
    await userEvent.click(input);
    await waitFor(() => expect(shown()).toEqual([idOf("B"), idOf("C"), idOf("D")]));
  });
});

describe("below the flow to call", () => {
  it.each([
    ["its name", "Price of an order", idOf("B"), "Price of an order"],
    ["its id", idOf("C"), idOf("C"), "Twice"],
    ["the id of one in another workspace", idOf("E"), idOf("E"), "Elsewhere"],
  ])("is the way to it by %s", async (_, value, id, name) => {
    show(value);
    const link = await screen.findByRole("link", { name: `Open “${name}”` });
    expect(link.getAttribute("href")).toBe(`/flows/${id}`);
  });

  it.each([
    ["a name that is gone", "Prices of old", "flow-missing", "no flow “Prices of old”"],
    ["a name in other letters", "price of an order", "flow-missing", "no flow “price"],
    ["the name of one elsewhere", "Elsewhere", "flow-missing", "no flow “Elsewhere”"],
    ["an id that is gone", idOf("Z"), "flow-missing", `The flow ${idOf("Z")} is gone`],
    ["the name of several", "Twice", "flow-several", "Several flows are called “Twice”"],
  ])("is said of %s what is wrong", async (_, value, testId, text) => {
    show(value);
    expect((await screen.findByTestId(testId)).textContent).toContain(text);
    expect(screen.queryByRole("link")).toBeNull();
  });

  it("is nothing as long as none is named", async () => {
    const { input } = show();
    await userEvent.click(input);
    await waitFor(() => expect(shown()).toHaveLength(3));
    expect(screen.queryByRole("link")).toBeNull();
    expect(screen.queryByTestId("flow-missing")).toBeNull();
  });
});
