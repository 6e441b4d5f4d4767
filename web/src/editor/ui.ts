/** What is open in the editor; remembered in this browser where it makes sense. */
import { create } from "zustand";

export type Panel = "add" | "problems" | "triggers";
export type InspectorTab = "settings" | "input" | "output" | "logs";

/** A setting that is to be shown, marked and given the keys. */
export interface WantedSetting {
  node: string;
  path: readonly (string | number)[];
}

interface EditorUi {
  panel: Panel | null;
  inspectorOpen: boolean;
  inspectorTab: InspectorTab;
  inspectorWidth: number;
  wanted: WantedSetting | null;
  shortcutsOpen: boolean;
  /** The person whose view is followed, by client id. */
  following: number | null;
}

type Kept = Pick<EditorUi, "panel" | "inspectorOpen" | "inspectorWidth">;

const STORAGE = "weft.editor";
export const INSPECTOR = { least: 300, usual: 360, most: 640 };

const FRESH: Kept = {
  panel: null,
  inspectorOpen: true,
  inspectorWidth: INSPECTOR.usual,
};

const PANELS: readonly Panel[] = ["add", "problems", "triggers"];

function within(value: unknown, { least, usual, most }: typeof INSPECTOR): number {
  return typeof value === "number" ? Math.min(most, Math.max(least, value)) : usual;
}

function remembered(): Kept {
  try {
    const kept = JSON.parse(localStorage.getItem(STORAGE) ?? "{}") as Partial<Kept>;
    return {
      panel: PANELS.find((panel) => panel === kept.panel) ?? FRESH.panel,
      inspectorOpen: kept.inspectorOpen !== false,
      inspectorWidth: within(kept.inspectorWidth, INSPECTOR),
    };
  } catch {
    return FRESH;
  }
}

export const useEditorUi = create<EditorUi>(() => ({
  ...remembered(),
  inspectorTab: "settings",
  wanted: null,
  shortcutsOpen: false,
  following: null,
}));

useEditorUi.subscribe(({ panel, inspectorOpen, inspectorWidth }) => {
  try {
    const kept: Kept = { panel, inspectorOpen, inspectorWidth };
    localStorage.setItem(STORAGE, JSON.stringify(kept));
  } catch {
    // Without storage the choices last as long as the page.
  }
});

export const togglePanel = (panel: Panel): void =>
  useEditorUi.setState((s) => ({ panel: s.panel === panel ? null : panel }));
