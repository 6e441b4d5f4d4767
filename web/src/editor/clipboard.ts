/** The system clipboard: what is copied is text, so it crosses flows, windows and people. */
import { useEffect } from "react";
import { useCanvas } from "@/canvas/state";
import { canvasHasKeys, centre } from "@/canvas/view";
import { copy, paste } from "@/flow/clipboard";
import { remove } from "@/flow/commands";
import { editable, notices } from "@/flow/session";
import { useGraph } from "@/flow/store";

const selection = (): string[] => useGraph.getState().selection;

function textSelected(): boolean {
  const at = document.activeElement;
  if (at instanceof HTMLInputElement || at instanceof HTMLTextAreaElement) return true;
  return window.getSelection()?.isCollapsed === false;
}

async function write(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    notices.emit({ key: "clipboardRefused", kind: "warning" });
    return false;
  }
}

export function copySelection(): void {
  const text = copy(selection());
  if (text !== null) void write(text);
}

export function cutSelection(): void {
  const ids = selection();
  const text = copy(ids);
  if (text === null || !editable()) return;
  void write(text).then((done) => {
    if (done) remove(ids);
  });
}

const place = () => useCanvas.getState().pointer ?? centre();

export function pasteFromMenu(): void {
  navigator.clipboard
    .readText()
    .then((text) => paste(text, place()))
    .catch(() => notices.emit({ key: "clipboardRefused", kind: "warning" }));
}

/** Answers the browser's own copy, cut and paste while the canvas has the keys. */
export function useClipboard(): void {
  useEffect(() => {
    const take = (event: ClipboardEvent): string | null => {
      if (!canvasHasKeys() || textSelected()) return null;
      const text = copy(selection());
      if (text === null || !event.clipboardData) return null;
      event.clipboardData.setData("text/plain", text);
      event.preventDefault();
      return text;
    };
    const onCopy = (event: ClipboardEvent) => void take(event);
    const onCut = (event: ClipboardEvent) => {
      const ids = selection();
      if (take(event) !== null) remove(ids);
    };
    const onPaste = (event: ClipboardEvent) => {
      const text = event.clipboardData?.getData("text/plain");
      if (!text || !canvasHasKeys() || textSelected()) return;
      event.preventDefault();
      paste(text, place());
    };
    document.addEventListener("copy", onCopy);
    document.addEventListener("cut", onCut);
    document.addEventListener("paste", onPaste);
    return () => {
      document.removeEventListener("copy", onCopy);
      document.removeEventListener("cut", onCut);
      document.removeEventListener("paste", onPaste);
    };
  }, []);
}
