export interface Batch<T> {
  push(item: T): void;
  clear(): void;
}

/** Collects items and hands them over once per animation frame. */
export function frameBatch<T>(flush: (items: T[]) => void): Batch<T> {
  let items: T[] = [];
  let scheduled = false;
  function run(): void {
    scheduled = false;
    const batch = items;
    items = [];
    if (batch.length > 0) flush(batch);
  }
  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    // A hidden page gets no frames; events must not pile up there.
    if (document.hidden) setTimeout(run, 100);
    else requestAnimationFrame(run);
  }
  return {
    push(item) {
      items.push(item);
      schedule();
    },
    clear() {
      items = [];
    },
  };
}
