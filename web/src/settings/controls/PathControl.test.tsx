import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { FileInfo } from "@/api/types";
import { queryClient } from "@/app/queryClient";
import { useUploads } from "@/files/uploads";
import { NO_SESSION, useSession } from "@/flow/store";
import { SchemaForm } from "../SchemaForm";
import { specOf } from "../testing";

const AT = "2024-05-01T10:00:00Z";
const file = (path: string, size = 12): FileInfo => ({
  name: path.slice(path.lastIndexOf("/") + 1),
  path,
  kind: "file",
  size,
  modified_at: AT,
});
const folder = (path: string): FileInfo => ({ ...file(path), kind: "folder", size: null });

/** Folders by path, as the server lists them. */
const FOLDERS: Record<string, FileInfo[]> = {
  "": [folder("sales"), file("notes.md"), file("sample.csv")],
  sales: [file("sales/april.csv"), file("sales/may.csv")],
};

function listing(url: URL): Response {
  const items = FOLDERS[url.searchParams.get("path") ?? ""];
  if (!items) return Response.json({ code: "file.not_found" }, { status: 404 });
  const query = (url.searchParams.get("query") ?? "").toLowerCase();
  const found = items.filter(({ name }) => name.toLowerCase().includes(query));
  return Response.json({ items: found, next_cursor: null });
}

const deleted = vi.fn<(path: string | null) => void>();

beforeEach(() => {
  vi.stubGlobal("fetch", async (address: string, init?: RequestInit) => {
    const url = new URL(address, "http://weft.test");
    if (init?.method !== "DELETE") return listing(url);
    deleted(url.searchParams.get("path"));
    return new Response(null, { status: 204 });
  });
  deleted.mockReset();
});

afterEach(() => {
  cleanup();
  queryClient.clear();
  useSession.setState(NO_SESSION, true);
  useUploads.setState({ items: [] });
  vi.unstubAllGlobals();
});

/** Somebody with a role in the workspace of the flow that is open; null: not in it at all. */
function enter(role: "owner" | "editor" | "viewer" | null): void {
  useSession.setState({ flowId: "flw_1" });
  queryClient.setQueryData(["flow", "flw_1"], { id: "flw_1", workspace_id: "wsp_1", role });
  const workspaces = role ? [{ id: "wsp_1", name: "One", role }] : [];
  queryClient.setQueryData(["session"], { kind: "in", session: { workspaces } });
}

function show(type = "file.read_csv", value = "") {
  const spec = { ...specOf({ path: { type: "string", "x-widget": "path", title: "File" } }), type };
  const onChange = vi.fn();
  render(
    <QueryClientProvider client={queryClient}>
      <MantineProvider env="test">
        <SchemaForm spec={spec} values={value ? { path: value } : {}} onChange={onChange} />
      </MantineProvider>
    </QueryClientProvider>,
  );
  const input = screen.getByTestId("setting-path").querySelector("input") as HTMLInputElement;
  return { onChange, input };
}

async function browse() {
  await userEvent.click(screen.getByRole("button", { name: "Browse files" }));
  return within(await screen.findByRole("dialog"));
}

const names = () => screen.queryAllByTestId("file").map((row) => row.dataset.path);

describe("a path", () => {
  it("is typed like any text", async () => {
    enter("editor");
    const { onChange, input } = show();
    await userEvent.type(input, "x.csv{Enter}");
    expect(onChange).toHaveBeenCalledExactlyOnceWith("path", "x.csv");
  });

  it("is only typed by those who are not in the workspace", () => {
    enter(null);
    show();
    expect(screen.queryByRole("button", { name: "Browse files" })).toBeNull();
  });

  it("is completed, folder by folder", async () => {
    enter("editor");
    const { onChange, input } = show();
    await userEvent.type(input, "sa");
    const options = await screen.findAllByRole("option");
    expect(options.map((option) => option.textContent)).toEqual(["sales/", "sample.csv"]);
    await userEvent.click(options[0] as HTMLElement);
    await userEvent.type(input, "m");
    await userEvent.click(await screen.findByRole("option", { name: "sales/may.csv" }));
    expect(onChange).toHaveBeenLastCalledWith("path", "sales/may.csv");
  });
});

describe("the picker", () => {
  it("begins in the folder of the path and chooses another file", async () => {
    enter("editor");
    const { onChange } = show("file.read_csv", "sales/april.csv");
    const picker = await browse();
    await waitFor(() => expect(names()).toEqual(["sales/april.csv", "sales/may.csv"]));
    await userEvent.click(picker.getByRole("button", { name: /may\.csv 12 B/ }));
    await userEvent.click(picker.getByRole("button", { name: "Choose" }));
    expect(onChange).toHaveBeenCalledExactlyOnceWith("path", "sales/may.csv");
  });

  it("walks by the steps of the way, and searches", async () => {
    enter("editor");
    show("file.read_csv", "sales/april.csv");
    const picker = await browse();
    await userEvent.click(picker.getByRole("button", { name: "Files" }));
    await waitFor(() => expect(names()).toEqual(["sales", "notes.md", "sample.csv"]));
    await userEvent.type(picker.getByRole("searchbox"), "NOTE");
    await waitFor(() => expect(names()).toEqual(["notes.md"]));
    await userEvent.type(picker.getByRole("searchbox"), "x");
    expect(await picker.findByText(/No name here/)).toBeTruthy();
  });

  it("lets a place be chosen where nothing is yet", async () => {
    enter("editor");
    const { onChange } = show("file.write", "result.csv");
    const picker = await browse();
    await userEvent.click(picker.getByRole("button", { name: "New folder" }));
    await userEvent.type(picker.getByLabelText("Name of the new folder"), "out/may{Enter}");
    expect(await picker.findByText(/made with the first file/)).toBeTruthy();
    const name = picker.getByLabelText("Name") as HTMLInputElement;
    expect(name.value).toBe("result.csv");
    await userEvent.type(name, "x{Enter}");
    expect(onChange).toHaveBeenCalledExactlyOnceWith("path", "out/may/result.csvx");
  });

  it("takes a folder where several files are read", async () => {
    enter("editor");
    const { onChange } = show("file.read_documents", "sales/*.csv");
    const picker = await browse();
    await waitFor(() => expect(names()).toHaveLength(2));
    await userEvent.click(picker.getByRole("button", { name: "Choose this folder" }));
    expect(onChange).toHaveBeenCalledExactlyOnceWith("path", "sales");
  });

  it("asks before it deletes, and forgets what is gone", async () => {
    enter("editor");
    show("file.read_csv", "notes.md");
    const picker = await browse();
    await userEvent.click(await picker.findByRole("button", { name: "Delete notes.md" }));
    expect(deleted).not.toHaveBeenCalled();
    await userEvent.click(await screen.findByRole("button", { name: "Delete" }));
    expect(deleted).toHaveBeenCalledExactlyOnceWith("notes.md");
    await waitFor(() => expect(screen.getByTestId("chosen-path").textContent).toBe(""));
  });

  it("gives a viewer files to take along, nothing to change", async () => {
    enter("viewer");
    show();
    const picker = await browse();
    const link = await picker.findByRole("link", { name: "Download notes.md" });
    expect(link.getAttribute("href")).toBe("/api/workspaces/wsp_1/files/content?path=notes.md");
    expect(picker.queryByRole("button", { name: /Upload|New folder|Delete/ })).toBeNull();
  });
});
