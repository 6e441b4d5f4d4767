/** Undo and redo of one's own edits; each step has a name and restores the selection. */
import * as Y from "yjs";
import { roots } from "./schema";
import { setSelection, useGraph, useSession } from "./store";
import type { Label } from "./types";

/** Origin of every edit made here; what undo tracks. */
export const LOCAL = { name: "local" };

interface StepMeta {
  label: Label;
  before: string[];
  after: string[];
}

type Item = { meta: Map<unknown, unknown> };
type ItemEvent = { stackItem: Item; type: "undo" | "redo" };

const UNNAMED: Label = { key: "edit" };

export class History {
  readonly manager: Y.UndoManager;
  private label: Label = UNNAMED;
  private before: string[] = [];
  private carried: StepMeta | null = null;
  private lastMerge: string | null = null;

  constructor(private readonly doc: Y.Doc) {
    const { nodes, edges, notes, meta } = roots(doc);
    this.manager = new Y.UndoManager([nodes, edges, notes, meta], {
      trackedOrigins: new Set([LOCAL]),
      captureTimeout: 300,
    });
    this.manager.on("stack-item-added", (event: ItemEvent) => this.onAdded(event));
    this.manager.on("stack-item-popped", (event: ItemEvent) => this.onPopped(event));
    this.manager.on("stack-cleared", () => this.publish());
  }

  /**
   * Makes one edit. Edits with the same `merge` key that follow each other quickly are one step;
   * all others are steps of their own.
   */
  run<T>(label: Label, edit: () => T, merge: string | null = null): T {
    if (merge === null || merge !== this.lastMerge) this.manager.stopCapturing();
    this.lastMerge = merge;
    this.label = label;
    this.before = useGraph.getState().selection;
    try {
      return this.doc.transact(edit, LOCAL);
    } finally {
      this.label = UNNAMED;
    }
  }

  /** Everything after this is a new step. */
  stop(): void {
    this.manager.stopCapturing();
    this.lastMerge = null;
  }

  undo(): Label | null {
    return this.step(this.manager.undoStack, () => this.manager.undo());
  }

  redo(): Label | null {
    return this.step(this.manager.redoStack, () => this.manager.redo());
  }

  private step(stack: Item[], move: () => unknown): Label | null {
    const meta = stack.at(-1)?.meta.get("step") as StepMeta | undefined;
    if (stack.length === 0) return null;
    this.lastMerge = null;
    this.carried = meta ?? { label: UNNAMED, before: [], after: [] };
    const label = this.carried.label;
    move();
    this.carried = null;
    this.publish();
    return label;
  }

  private onAdded({ stackItem }: ItemEvent): void {
    const step: StepMeta = this.carried ?? { label: this.label, before: this.before, after: [] };
    stackItem.meta.set("step", step);
    this.publish();
  }

  private onPopped({ stackItem, type }: ItemEvent): void {
    const step = stackItem.meta.get("step") as StepMeta | undefined;
    if (!step) return;
    if (type === "undo") step.after = useGraph.getState().selection;
    const { nodes, notes } = useGraph.getState();
    const wanted = type === "undo" ? step.before : step.after;
    setSelection(wanted.filter((id) => nodes[id] || notes[id]));
  }

  private publish(): void {
    const top = (stack: Item[]) => (stack.at(-1)?.meta.get("step") as StepMeta | undefined) ?? null;
    const { undoStack, redoStack } = this.manager;
    const name = (stack: Item[]) => (stack.length === 0 ? null : (top(stack)?.label ?? UNNAMED));
    useSession.setState({ undoLabel: name(undoStack), redoLabel: name(redoStack) });
  }

  destroy(): void {
    this.manager.destroy();
  }
}
