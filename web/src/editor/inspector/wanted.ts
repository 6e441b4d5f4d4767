import { type RefObject, useEffect, useRef } from "react";
import { useEditorUi, type WantedSetting } from "../ui";

const MARKED_MS = 2400;
const CONTROLS = "input, textarea, select, [contenteditable=true], [role=combobox], [role=textbox]";

/** The control of a setting; inside of a list, the one that is wrong, or still empty. */
function controlOf(field: HTMLElement): HTMLElement | null {
  const all = [...field.querySelectorAll<HTMLElement>(CONTROLS)];
  // A list of choices opens when it gets the keys, and hides what is below.
  const typed = all.filter((control) => !(control as HTMLInputElement).readOnly);
  const wrong = typed.find((control) => control.getAttribute("aria-invalid") === "true");
  const empty = typed.find((control) => (control as HTMLInputElement).value === "");
  return wrong ?? (all.length > 1 ? empty : null) ?? typed[0] ?? null;
}

function show(form: HTMLElement, wanted: WantedSetting): void {
  const field = form.querySelector<HTMLElement>(`[data-testid="setting-${wanted.path[0]}"]`);
  if (!field) return;
  field.scrollIntoView({ block: "center" });
  controlOf(field)?.focus({ preventScroll: true });
  field.setAttribute("data-marked", "true");
  setTimeout(() => field.removeAttribute("data-marked"), MARKED_MS);
}

/** Brings the setting that is asked for into view, marks it and gives it the keys. */
export function useWantedSetting(node: string): RefObject<HTMLDivElement | null> {
  const form = useRef<HTMLDivElement>(null);
  const wanted = useEditorUi((s) => s.wanted);
  useEffect(() => {
    if (wanted?.node !== node) return;
    const frame = requestAnimationFrame(() => {
      if (form.current) show(form.current, wanted);
      useEditorUi.setState({ wanted: null });
    });
    return () => cancelAnimationFrame(frame);
  }, [wanted, node]);
  return form;
}
