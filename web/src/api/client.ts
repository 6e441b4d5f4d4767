import { reportReached, reportUnreachable } from "./connection";
import { ApiError, errorOfResponse } from "./errors";

export { ApiError } from "./errors";

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
type Query = Record<string, string | number | boolean | undefined | null>;

export interface RequestOptions {
  method?: Method;
  query?: Query;
  /** Sent as JSON, unless it is text together with `contentType`. */
  body?: unknown;
  contentType?: string;
  signal?: AbortSignal;
  accept?: string;
}

const CSRF_HEADER = "X-CSRF-Token";
let csrfToken = "";
type Listener = (error: ApiError) => void;
const refusals = new Set<Listener>();

/** Remembers the token that the session answered with; unsafe requests carry it. */
export function setCsrfToken(token: string): void {
  csrfToken = token;
}

function currentCsrfToken(): string {
  const match = /(?:^|;\s*)weft_csrf=([^;]*)/.exec(document.cookie);
  return match?.[1] ? decodeURIComponent(match[1]) : csrfToken;
}

/** What an unsafe request carries that is not sent by this module. */
export function csrfHeaders(): Record<string, string> {
  return { [CSRF_HEADER]: currentCsrfToken() };
}

/** Calls back on every 401 and on 503 `setup_required`, wherever the request came from. */
export function onRefused(listener: Listener): () => void {
  refusals.add(listener);
  return () => refusals.delete(listener);
}

export function urlOf(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") search.set(key, String(value));
  }
  const text = search.toString();
  return `/api${path}${text ? `?${text}` : ""}`;
}

function requestInit(options: RequestOptions): RequestInit {
  const method = options.method ?? "GET";
  const headers = new Headers({ Accept: options.accept ?? "application/json" });
  const init: RequestInit = { method, headers, credentials: "same-origin" };
  if (options.signal) init.signal = options.signal;
  if (options.body !== undefined) {
    headers.set("Content-Type", options.contentType ?? "application/json");
    init.body = options.contentType ? String(options.body) : JSON.stringify(options.body);
  }
  if (method !== "GET") headers.set(CSRF_HEADER, currentCsrfToken());
  return init;
}

async function send(path: string, options: RequestOptions): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(urlOf(path, options.query), requestInit(options));
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    reportUnreachable();
    throw new ApiError(0, { code: "network.unreachable" });
  }
  if (response.ok) {
    reportReached();
    return response;
  }
  throw reportAnswer(await errorOfResponse(response));
}

/** Draws the conclusions from a failed answer: is the server there, is one still signed in. */
export function reportAnswer(error: ApiError): ApiError {
  if (error.unreachable) reportUnreachable();
  else reportReached();
  if (error.status === 401 || error.code === "setup_required") {
    for (const listener of refusals) listener(error);
  }
  return error;
}

/** Sends a request and reads its JSON answer; throws ApiError. */
export async function request<T>(path: string, options: RequestOptions = {}): Promise<T> {
  const response = await send(path, options);
  if (response.status === 204) return undefined as T;
  return (await response.json()) as T;
}

/** Sends a request and reads its answer as text, for downloads. */
export async function requestText(path: string, options: RequestOptions = {}): Promise<string> {
  const response = await send(path, { accept: "*/*", ...options });
  return await response.text();
}

export const api = {
  get: <T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> =>
    request<T>(path, { ...(query && { query }), ...(signal && { signal }) }),
  post: <T>(path: string, body?: unknown, query?: Query): Promise<T> =>
    request<T>(path, { method: "POST", body: body ?? {}, ...(query && { query }) }),
  put: <T>(path: string, body: unknown): Promise<T> => request<T>(path, { method: "PUT", body }),
  patch: <T>(path: string, body: unknown): Promise<T> =>
    request<T>(path, { method: "PATCH", body }),
  delete: <T = void>(path: string): Promise<T> => request<T>(path, { method: "DELETE" }),
};

/** The address of a WebSocket on this server. */
export function socketUrl(path: string, query: Query = {}): string {
  const scheme = window.location.protocol === "https:" ? "wss:" : "ws:";
  const url = new URL(`${scheme}//${window.location.host}/ws${path}`);
  for (const [key, value] of Object.entries(query)) {
    if (value !== undefined && value !== null) url.searchParams.set(key, String(value));
  }
  return url.toString();
}
