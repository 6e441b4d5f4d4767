import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { useSessionState } from "@/api/session";
import type { Session, Workspace } from "@/api/types";
import { setLanguage } from "@/i18n";
import { queryClient } from "./queryClient";
import { WorkspaceSwitch } from "./WorkspaceSwitch";

const SESSION: Session = {
  user: {
    id: "usr_1",
    name: "Bo",
    email: "bo@example.org",
    color: "#2a74b8",
    language: null,
  },
  workspaces: [{ id: "wsp_1", name: "First", role: "owner" }],
  csrf_token: "token",
  setup_required: false,
};

function answer(status: number, body: unknown): Response {
  const headers = { "content-type": "application/json" };
  return new Response(JSON.stringify(body), { status, headers });
}

/** A server that keeps the workspaces that are made on it. */
function serve(refusal?: { status: number; body: unknown }) {
  const workspaces = [...SESSION.workspaces];
  const asked: unknown[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    if (url === "/api/session") return answer(200, { ...SESSION, workspaces });
    if (url !== "/api/workspaces" || init.method !== "POST") throw new Error(`no answer: ${url}`);
    const body = JSON.parse(String(init.body)) as { name: string };
    asked.push(body);
    if (refusal) return answer(refusal.status, refusal.body);
    const made: Workspace = { id: `wsp_${workspaces.length + 1}`, name: body.name, role: "owner" };
    workspaces.push(made);
    return answer(201, made);
  });
  return asked;
}

function Page() {
  const state = useSessionState();
  return state.data?.kind === "in" ? <WorkspaceSwitch /> : null;
}

async function openMenu() {
  render(
    <MantineProvider env="test">
      <QueryClientProvider client={queryClient}>
        <Page />
      </QueryClientProvider>
    </MantineProvider>,
  );
  const user = userEvent.setup();
  await user.click(await screen.findByTestId("workspace-switch"));
  return user;
}

async function askFor(name: string) {
  const user = await openMenu();
  await user.click(await screen.findByTestId("new-workspace"));
  await user.type(await screen.findByRole("textbox"), `${name}{Enter}`);
}

beforeEach(() => {
  queryClient.clear();
  localStorage.clear();
});

afterEach(async () => {
  vi.unstubAllGlobals();
  await setLanguage("en");
});

describe("the workspace switcher", () => {
  it("makes a workspace and goes there", async () => {
    const asked = serve();
    await askFor("  Second ");
    expect(await screen.findByRole("button", { name: "Switch workspace: Second" })).toBeTruthy();
    expect(asked).toEqual([{ name: "Second" }]);
    expect(localStorage.getItem("weft.workspace")).toBe("wsp_2");
    expect(screen.queryByRole("dialog")).toBeNull();
  });

  it("makes none without a name", async () => {
    const asked = serve();
    await askFor("   ");
    expect(asked).toEqual([]);
    expect(screen.getByRole("dialog")).toBeTruthy();
  });

  it("says why there is none, and keeps the name", async () => {
    serve({ status: 403, body: { code: "auth.forbidden", detail: "no" } });
    await askFor("Second");
    const field = await screen.findByRole("textbox");
    expect(await screen.findByText(/^You are not allowed to do this\./)).toBeTruthy();
    expect((field as HTMLInputElement).value).toBe("Second");
  });

  it("speaks Chinese", async () => {
    await setLanguage("zh");
    serve();
    await openMenu();
    expect((await screen.findByTestId("new-workspace")).textContent).toBe("新建工作区");
  });
});
