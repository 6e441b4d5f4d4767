import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ApiError, api, onRefused, request, setCsrfToken, socketUrl, urlOf } from "./client";
import { useConnection } from "./connection";

const fetched = vi.fn<typeof fetch>();

function answer(status: number, body?: unknown, type = "application/json"): Response {
  return new Response(body === undefined ? null : JSON.stringify(body), {
    status,
    headers: { "content-type": type },
  });
}

function sent(): { url: string; init: RequestInit; headers: Headers } {
  const [url, init] = fetched.mock.calls.at(-1) ?? [];
  return { url: String(url), init: init ?? {}, headers: new Headers(init?.headers) };
}

async function failureOf(work: Promise<unknown>): Promise<ApiError> {
  const error = await work.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(ApiError);
  return error as ApiError;
}

beforeEach(() => {
  fetched.mockReset();
  vi.stubGlobal("fetch", fetched);
  useConnection.setState({ status: "up", since: 0 });
});

afterEach(() => {
  vi.unstubAllGlobals();
  setCsrfToken("");
});

describe("requests", () => {
  it("leave out what is not asked for", () => {
    expect(urlOf("/flows", { query: "", limit: 5, cursor: undefined })).toBe("/api/flows?limit=5");
  });

  it("carry the token when they change something, and only then", async () => {
    setCsrfToken("token-1");
    fetched.mockResolvedValueOnce(answer(200, {}));
    await api.post("/flows", { name: "A" });
    expect(sent().headers.get("X-CSRF-Token")).toBe("token-1");
    expect(sent().init.body).toBe('{"name":"A"}');
    fetched.mockResolvedValueOnce(answer(200, {}));
    await api.get("/flows");
    expect(sent().headers.get("X-CSRF-Token")).toBeNull();
  });

  it("send text as it is when it is no JSON", async () => {
    fetched.mockResolvedValueOnce(answer(201, { id: "flw_1" }));
    const options = { method: "POST", body: "name: A", contentType: "application/yaml" } as const;
    await request("/flows", options);
    expect(sent().init.body).toBe("name: A");
    expect(sent().headers.get("Content-Type")).toBe("application/yaml");
  });

  it("read an empty answer", async () => {
    fetched.mockResolvedValueOnce(answer(204));
    await expect(api.delete("/flows/1")).resolves.toBeUndefined();
  });
});

describe("failures", () => {
  it("become errors with the server's code and way out", async () => {
    const body = {
      code: "flow.not_found",
      detail: "No such flow.",
      hint: "Look again.",
      params: {},
    };
    fetched.mockResolvedValueOnce(answer(404, body, "application/problem+json"));
    const error = await failureOf(api.get("/flows/x"));
    expect(error).toMatchObject({ status: 404, code: "flow.not_found", hint: "Look again." });
    expect(error.message).toBe("No such flow.");
  });

  it("have a code even when a proxy answers", async () => {
    fetched.mockResolvedValueOnce(new Response("<h1>Bad gateway</h1>", { status: 502 }));
    const error = await failureOf(api.get("/flows"));
    expect(error.code).toBe("network.unreachable");
    expect(useConnection.getState().status).toBe("down");
  });

  it("tell that the server does not answer", async () => {
    fetched.mockRejectedValueOnce(new TypeError("Failed to fetch"));
    const error = await failureOf(api.get("/flows"));
    expect(error.unreachable).toBe(true);
    expect(useConnection.getState().status).toBe("down");
  });

  it("tell listeners when one is signed out", async () => {
    const heard = vi.fn();
    const stop = onRefused(heard);
    fetched.mockResolvedValueOnce(answer(401, { code: "auth.required" }));
    await failureOf(api.get("/flows"));
    stop();
    expect(heard).toHaveBeenCalledOnce();
  });

  it("keep the problems of a flow", async () => {
    const problems = [{ code: "check.cycle", severity: "error", message: "in a circle" }];
    fetched.mockResolvedValueOnce(answer(422, { code: "flow.invalid", problems }));
    const error = await failureOf(api.post("/flows/1/runs"));
    expect(error.problems).toEqual(problems);
  });

  it("end the outage when the server answers again", async () => {
    useConnection.setState({ status: "down", since: 1 });
    fetched.mockResolvedValueOnce(answer(200, {}));
    await api.get("/session");
    expect(useConnection.getState().status).toBe("up");
  });
});

it("makes socket addresses of the page's host", () => {
  expect(socketUrl("/runs/r1", { after: 7 })).toMatch(/^ws:\/\/.+\/ws\/runs\/r1\?after=7$/);
});
