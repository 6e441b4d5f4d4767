import type { JsonObject, Problem } from "./types";

export interface ProblemDetails {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  hint?: string;
  params?: JsonObject;
  problems?: Problem[];
}

/** A refused or failed request, with the server's stable code and its way out. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly hint: string;
  readonly params: JsonObject;
  readonly problems: Problem[];

  constructor(status: number, details: ProblemDetails = {}) {
    super(details.detail || details.title || `HTTP ${status}`);
    this.name = "ApiError";
    this.status = status;
    this.code = details.code || codeOfStatus(status);
    this.hint = details.hint ?? "";
    this.params = details.params ?? {};
    this.problems = details.problems ?? [];
  }

  /** The server could not be reached at all, or a proxy answered for it. */
  get unreachable(): boolean {
    return this.code === "network.unreachable";
  }
}

function codeOfStatus(status: number): string {
  if (status === 0 || status === 502 || status === 504) return "network.unreachable";
  if (status === 401) return "auth.required";
  if (status === 403) return "auth.forbidden";
  if (status === 404) return "not_found";
  if (status === 413) return "request.too_large";
  if (status === 429) return "request.too_many";
  return status >= 500 ? "internal" : "request.invalid";
}

/** Reads a failed answer, whether it is problem+json or a proxy's page. */
export async function errorOfResponse(response: Response): Promise<ApiError> {
  const kind = response.headers.get("content-type") ?? "";
  if (!kind.includes("json")) return new ApiError(response.status);
  try {
    const body = (await response.json()) as ProblemDetails & { extra?: ProblemDetails };
    return new ApiError(response.status, body);
  } catch {
    return new ApiError(response.status);
  }
}
