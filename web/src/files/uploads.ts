/** Files on their way to the server; they go on when the picker is closed. */
import { create } from "zustand";
import { ApiError } from "@/api/errors";
import { putFile, refreshFiles } from "@/api/files";
import type { FileInfo } from "@/api/types";

const AT_ONCE = 2;

export interface Upload {
  id: number;
  workspaceId: string;
  path: string;
  file: File;
  loaded: number;
  /** `exists`: a file of that name is there, and somebody must say whether to replace it. */
  state: "waiting" | "sending" | "exists" | "failed";
  overwrite: boolean;
  error: unknown;
  onDone: (info: FileInfo) => void;
}

export const useUploads = create<{ items: readonly Upload[] }>(() => ({ items: [] }));

const stops = new Map<number, AbortController>();
let next = 1;

function find(id: number): Upload | undefined {
  return useUploads.getState().items.find((item) => item.id === id);
}

function change(id: number, part: Partial<Upload>): void {
  useUploads.setState(({ items }) => ({
    items: items.map((item) => (item.id === id ? { ...item, ...part } : item)),
  }));
}

function drop(id: number): void {
  useUploads.setState(({ items }) => ({ items: items.filter((item) => item.id !== id) }));
}

/** Sends a file; answers by which number it is known until it has arrived. */
export function send(
  workspaceId: string,
  path: string,
  file: File,
  onDone: (info: FileInfo) => void = () => {},
): number {
  const id = next;
  next += 1;
  const made: Upload = {
    id,
    workspaceId,
    path,
    file,
    loaded: 0,
    state: "waiting",
    overwrite: false,
    error: null,
    onDone,
  };
  useUploads.setState(({ items }) => ({ items: [...items, made] }));
  pump();
  return id;
}

/** Stops an upload, or forgets one that failed. */
export function cancel(id: number): void {
  stops.get(id)?.abort();
  drop(id);
  pump();
}

/** Sends a file in the place of the one that is there. */
export function replace(id: number): void {
  change(id, { state: "waiting", overwrite: true, loaded: 0 });
  pump();
}

/** Sends a file again that failed. */
export function again(id: number): void {
  change(id, { state: "waiting", loaded: 0, error: null });
  pump();
}

function pump(): void {
  const { items } = useUploads.getState();
  const free = AT_ONCE - items.filter((item) => item.state === "sending").length;
  const waiting = items.filter((item) => item.state === "waiting");
  for (const item of waiting.slice(0, Math.max(0, free))) void transfer(item);
}

async function transfer({ id, workspaceId, path, file, overwrite, onDone }: Upload): Promise<void> {
  const stop = new AbortController();
  stops.set(id, stop);
  change(id, { state: "sending" });
  const onProgress = (loaded: number) => change(id, { loaded });
  try {
    const info = await putFile(workspaceId, path, file, {
      overwrite,
      onProgress,
      signal: stop.signal,
    });
    if (!find(id)) return;
    drop(id);
    void refreshFiles(workspaceId);
    onDone(info);
  } catch (error) {
    const exists = error instanceof ApiError && error.code === "file.exists";
    change(id, { state: exists ? "exists" : "failed", error });
  } finally {
    stops.delete(id);
    pump();
  }
}
