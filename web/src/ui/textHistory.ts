/** What was typed into a text field, in steps that can be taken back and brought again. */

export interface Step {
  at: number;
  removed: string;
  inserted: string;
}

interface Edit extends Step {
  time: number;
  /** Whether the next edit may become part of this one. */
  open: boolean;
}

/** An edit that comes later than this begins a step of its own. */
const PAUSE_MS = 1_000;
const MOST_STEPS = 500;

/** What turns one text into the other: a single place where something gave way to something. */
export function difference(before: string, after: string): Step {
  const most = Math.min(before.length, after.length);
  let at = 0;
  while (at < most && before[at] === after[at]) at += 1;
  let end = 0;
  while (end < most - at && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  return {
    at,
    removed: before.slice(at, before.length - end),
    inserted: after.slice(at, after.length - end),
  };
}

/** Typing goes on to the end of a word, deleting as long as it goes on in one direction. */
function merged(last: Step, next: Step): Step | null {
  const typing = next.removed === "" && next.at === last.at + last.inserted.length;
  if (typing && last.inserted !== "") {
    const newWord = /\s$/.test(last.inserted) && !/^\s/.test(next.inserted);
    if (newWord) return null;
    return { ...last, inserted: last.inserted + next.inserted };
  }
  if (next.inserted !== "" || last.inserted !== "") return null;
  if (next.at + next.removed.length === last.at) {
    return { at: next.at, removed: next.removed + last.removed, inserted: "" };
  }
  return next.at === last.at ? { ...last, removed: last.removed + next.removed } : null;
}

/** The same step after somebody else changed the text; null when they changed this very place. */
function shifted(step: Edit, other: Step): Edit | null {
  if (other.at + other.removed.length <= step.at) {
    return { ...step, at: step.at + other.inserted.length - other.removed.length };
  }
  return other.at >= step.at + step.inserted.length ? step : null;
}

export class TextHistory {
  private done: Edit[] = [];
  private undone: Edit[] = [];

  constructor(private text: string) {}

  /** The field has another text than it was left with: others typed, or a form put it there. */
  outside(text: string): void {
    if (text === this.text) return;
    const other = difference(this.text, text);
    this.text = text;
    this.undone = [];
    // A step that no longer fits also hides what was before it.
    for (let at = this.done.length - 1; at >= 0; at -= 1) {
      const step = shifted(this.done[at] as Edit, other);
      if (step === null) {
        this.done.splice(0, at + 1);
        return;
      }
      this.done[at] = step;
    }
  }

  /** Somebody typed, pasted or deleted here. */
  record(text: string, time: number, composing = false): void {
    if (text === this.text) return;
    const step = difference(this.text, text);
    this.text = text;
    this.undone = [];
    const last = this.done.at(-1);
    const soon = last?.open && time - last.time < PAUSE_MS;
    const whole = soon && (composing ? joined(last, step) : merged(last, step));
    if (whole) this.done.pop();
    this.done.push({ ...(whole || step), time, open: true });
    if (this.done.length > MOST_STEPS) this.done.shift();
  }

  /** The text one step back with the caret's place; null when there is none. */
  undo(): { text: string; caret: number } | null {
    const step = this.done.pop();
    if (!step) return null;
    this.undone.push(step);
    this.close();
    return this.put(step.at, step.inserted.length, step.removed);
  }

  redo(): { text: string; caret: number } | null {
    const step = this.undone.pop();
    if (!step) return null;
    this.done.push({ ...step, open: false });
    return this.put(step.at, step.removed.length, step.inserted);
  }

  /** What comes next is a step of its own. */
  close(): void {
    const last = this.done.at(-1);
    if (last) last.open = false;
  }

  private put(at: number, length: number, instead: string): { text: string; caret: number } {
    this.text = this.text.slice(0, at) + instead + this.text.slice(at + length);
    return { text: this.text, caret: at + instead.length };
  }
}

/** Characters that are put together from several keys replace one another: one step. */
function joined(last: Step, next: Step): Step | null {
  const inside = next.at >= last.at && next.at <= last.at + last.inserted.length;
  const from = next.at - last.at;
  const known = inside && last.inserted.slice(from).startsWith(next.removed);
  if (!known) return null;
  const rest = last.inserted.slice(from + next.removed.length);
  return { ...last, inserted: last.inserted.slice(0, from) + next.inserted + rest };
}
