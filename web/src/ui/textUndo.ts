/**
 * Undo inside text fields. The browser's own breaks off at every change of the page, and a page
 * that answers to typing changes with each letter: each letter would be a step.
 */
import { TextHistory } from "./textHistory";

type TextField = HTMLInputElement | HTMLTextAreaElement;

const KINDS = new Set(["text", "search", "url", "tel"]);
const histories = new WeakMap<TextField, TextHistory>();

function fieldOf(target: EventTarget | null): TextField | null {
  if (target instanceof HTMLTextAreaElement) return target;
  return target instanceof HTMLInputElement && KINDS.has(target.type) ? target : null;
}

function historyOf(field: TextField): TextHistory {
  const known = histories.get(field);
  if (known) return known;
  const made = new TextHistory(field.value);
  histories.set(field, made);
  return made;
}

/** Puts a text into a field as if it had been typed, for forms that listen. */
function put(field: TextField, text: string, caret: number): void {
  const proto = field instanceof HTMLTextAreaElement ? HTMLTextAreaElement : HTMLInputElement;
  Object.getOwnPropertyDescriptor(proto.prototype, "value")?.set?.call(field, text);
  field.setSelectionRange(caret, caret);
  field.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertText" }));
  // The form may have drawn the field anew and moved the caret to its end.
  requestAnimationFrame(() => {
    if (document.activeElement === field && field.value === text) {
      field.setSelectionRange(caret, caret);
    }
  });
}

/** Writes into a field for its reader: one step that can be taken back. */
export function writeText(field: TextField, text: string, caret: number): void {
  const history = historyOf(field);
  history.outside(field.value);
  history.close();
  field.focus();
  put(field, text, caret);
  history.close();
}

function travel(field: TextField, way: "undo" | "redo"): void {
  const history = historyOf(field);
  history.outside(field.value);
  const found = history[way]();
  if (found) put(field, found.text, found.caret);
}

function wayOf(event: KeyboardEvent): "undo" | "redo" | null {
  if (!(event.ctrlKey || event.metaKey) || event.altKey || event.isComposing) return null;
  const key = event.key.toLowerCase();
  if (key === "z") return event.shiftKey ? "redo" : "undo";
  return key === "y" && event.ctrlKey && !event.shiftKey ? "redo" : null;
}

function onKeyDown(event: KeyboardEvent): void {
  const field = fieldOf(event.target);
  const way = field && !field.readOnly && wayOf(event);
  if (!field || !way) return;
  event.preventDefault();
  travel(field, way);
}

function onBeforeInput(event: InputEvent): void {
  const field = fieldOf(event.target);
  if (!field) return;
  // The menu of the browser and of a telephone has these two as well.
  const way = { historyUndo: "undo", historyRedo: "redo" }[event.inputType];
  if (way === "undo" || way === "redo") {
    event.preventDefault();
    travel(field, way);
    return;
  }
  historyOf(field).outside(field.value);
}

function onInput(event: Event): void {
  const field = fieldOf(event.target);
  if (!field) return;
  const composing = event instanceof InputEvent && event.isComposing;
  historyOf(field).record(field.value, event.timeStamp, composing);
}

/** Takes care of undo in every text field of the page. */
export function watchTextFields(): void {
  document.addEventListener("keydown", onKeyDown, true);
  document.addEventListener("beforeinput", onBeforeInput, true);
  document.addEventListener("input", onInput, true);
}
