import { useInfiniteQuery } from "@tanstack/react-query";
import { queryClient } from "@/app/queryClient";
import { api, csrfHeaders, reportAnswer, request, urlOf } from "./client";
import { ApiError } from "./errors";
import type { FileInfo, FileList } from "./types";

/** What the server takes as one file. */
export const LARGEST_FILE = 200_000_000;
const PAGE_SIZE = 200;

const root = (workspaceId: string) => `/workspaces/${workspaceId}/files`;

/** What is in one folder of a workspace; `query` is part of a name. */
export function useFolder(workspaceId: string, path: string, query = "", enabled = true) {
  return useInfiniteQuery({
    queryKey: ["files", workspaceId, path, query],
    enabled,
    initialPageParam: "",
    retry: false,
    // While one searches, what was found before stays; another folder is another list.
    placeholderData: (before, asked) => (asked?.queryKey[2] === path ? before : undefined),
    queryFn: ({ pageParam, signal }) =>
      api.get<FileList>(
        root(workspaceId),
        { path, query, limit: PAGE_SIZE, cursor: pageParam },
        signal,
      ),
    getNextPageParam: (page: FileList) => page.next_cursor || undefined,
  });
}

export function refreshFiles(workspaceId: string): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: ["files", workspaceId] });
}

/** The address from which the browser downloads a file. */
export function fileUrl(workspaceId: string, path: string): string {
  return urlOf(`${root(workspaceId)}/content`, { path });
}

export function deleteFile(workspaceId: string, path: string): Promise<void> {
  return request<void>(root(workspaceId), { method: "DELETE", query: { path } });
}

export interface PutOptions {
  overwrite?: boolean;
  onProgress?: (loaded: number) => void;
  signal?: AbortSignal;
}

/** Uploads a file; throws ApiError, and AbortError when it was cancelled. */
export async function putFile(
  workspaceId: string,
  path: string,
  file: File,
  options: PutOptions = {},
): Promise<FileInfo> {
  if (file.size > LARGEST_FILE) {
    const params = { limit_mb: LARGEST_FILE / 1_000_000 };
    throw new ApiError(413, { code: "file.upload_too_large", params });
  }
  await readable(file);
  const url = urlOf(`${root(workspaceId)}/content`, {
    path,
    overwrite: options.overwrite ?? false,
  });
  // Only this old way of asking tells how much has been sent.
  return new Promise((resolve, reject) => {
    const sent = new XMLHttpRequest();
    sent.open("PUT", url);
    for (const [name, value] of Object.entries(csrfHeaders())) sent.setRequestHeader(name, value);
    sent.setRequestHeader("Content-Type", "application/octet-stream");
    sent.upload.onprogress = (event) => options.onProgress?.(event.loaded);
    sent.onload = () => {
      if (sent.status < 300) resolve(JSON.parse(sent.responseText) as FileInfo);
      else reject(reportAnswer(errorOf(sent)));
    };
    sent.onerror = () => reject(reportAnswer(new ApiError(0, { code: "network.unreachable" })));
    sent.onabort = () => reject(new DOMException("cancelled", "AbortError"));
    options.signal?.addEventListener("abort", () => sent.abort());
    if (options.signal?.aborted) reject(new DOMException("cancelled", "AbortError"));
    else sent.send(file);
  });
}

/** Folders can be dropped too, and files that somebody has moved meanwhile. */
async function readable(file: File): Promise<void> {
  try {
    await file.slice(0, 1).arrayBuffer();
  } catch {
    throw new ApiError(400, { code: "file.upload_unreadable", params: { name: file.name } });
  }
}

function errorOf(answer: XMLHttpRequest): ApiError {
  try {
    return new ApiError(answer.status, JSON.parse(answer.responseText));
  } catch {
    return new ApiError(answer.status);
  }
}
