import { create } from "zustand";

export const DOCK_TABS = ["timeline", "log", "output", "debug", "live", "runs"] as const;
export type DockTab = (typeof DOCK_TABS)[number];

interface DockState {
  open: boolean;
  height: number;
  /** Somebody chose the height; before that it suits the tab. */
  sized: boolean;
  tab: DockTab;
}

const STORAGE = "weft.dock";
export const LOWEST = 120;
export const START_HEIGHT = 248;
const OUTPUT_HEIGHT = 348;

function remembered(): DockState {
  const start: DockState = { open: false, height: START_HEIGHT, sized: false, tab: "timeline" };
  try {
    const kept = JSON.parse(localStorage.getItem(STORAGE) ?? "{}") as Partial<DockState>;
    return { ...start, ...kept };
  } catch {
    return start;
  }
}

/** How the bottom dock stands; remembered in this browser. */
export const useDock = create<DockState>(remembered);

useDock.subscribe((state) => {
  try {
    localStorage.setItem(STORAGE, JSON.stringify(state));
  } catch {
    // Without storage it lasts as long as the page.
  }
});

export function highest(): number {
  return Math.max(LOWEST, window.innerHeight - 220);
}

function within(height: number): number {
  return Math.round(Math.min(highest(), Math.max(LOWEST, height)));
}

export function setDockHeight(height: number): void {
  useDock.setState({ height: within(height), sized: true });
}

/** Tables and charts need more room than the timeline. */
export function showTab(tab: DockTab): void {
  useDock.setState(({ height, sized }) => {
    const roomy = tab === "output" || tab === "debug" || tab === "live" || tab === "runs";
    const wanted = roomy ? OUTPUT_HEIGHT : START_HEIGHT;
    return { tab, open: true, height: sized ? height : within(wanted) };
  });
}

export function toggleDock(): void {
  useDock.setState((state) => ({ open: !state.open }));
}
