/** Every command of the editor, once: for keys, menus, the palette and the sheet of shortcuts. */
import { setMoving } from "@/canvas/elements";
import { tidyUp } from "@/canvas/layout/tidy";
import { openQuickAdd, useCanvas } from "@/canvas/state";
import { centre, middleOfPage, showAll, toPage, zoomIn, zoomOut, zoomTo } from "@/canvas/view";
import { toggleBreakpoints } from "@/flow/breakpoints";
import { duplicate } from "@/flow/clipboard";
import { addNote, moveNodes, removeSelection, toggleDisabled } from "@/flow/commands";
import { portsOf } from "@/flow/infer";
import { boxOf } from "@/flow/scene";
import { current, redo, undo } from "@/flow/session";
import { CARD_WIDTH, freePlace, NOTE_HEIGHT, NOTE_WIDTH, noteBox } from "@/flow/size";
import { canEdit, setSelection, useGraph, useSession } from "@/flow/store";
import type { Point } from "@/flow/types";
import { toggleDock } from "@/runs/dockState";
import { copySelection, cutSelection, pasteFromMenu } from "../clipboard";
import { openPalette } from "../paletteStore";
import { togglePanel, useEditorUi } from "../ui";
import {
  canFold,
  canTakeOut,
  canWrap,
  foldSelection,
  goIn,
  goOut,
  takeSelectionOut,
  wrapSelection,
} from "./containers";
import { togglePin } from "./pinning";
import { RUNNING } from "./running";

export type Group = "edit" | "add" | "view" | "run";

export interface Command {
  group: Group;
  keys: string[];
  /** The browser does it on these keys; they are only shown. */
  native?: boolean;
  /** Acts only while the canvas has the keys, so that fields and lists keep theirs. */
  canvas?: boolean;
  /** Not in the palette: it means something only together with its keys. */
  hidden?: boolean;
  when?: () => boolean;
  run: (event?: KeyboardEvent) => void;
}

const selection = (): string[] => useGraph.getState().selection;
const selectedNodes = (): string[] => selection().filter((id) => useGraph.getState().nodes[id]);
const one = (): string | null => {
  const nodes = selectedNodes();
  return nodes.length === 1 ? (nodes[0] ?? null) : null;
};
const some = (): boolean => selection().length > 0;
const mayEdit = (): boolean => canEdit(useSession.getState());
const NUDGE = 5;
const FAR = 20;

function nudge(event: KeyboardEvent | undefined): void {
  const step = event?.shiftKey ? FAR : NUDGE;
  const way: Record<string, Point> = {
    ArrowUp: { x: 0, y: -step },
    ArrowDown: { x: 0, y: step },
    ArrowLeft: { x: -step, y: 0 },
    ArrowRight: { x: step, y: 0 },
  };
  const by = way[event?.key ?? ""];
  if (!by) return;
  const { notes } = useGraph.getState();
  const places: Record<string, Point> = {};
  for (const id of selection()) {
    const at = boxOf(id) ?? notes[id]?.position;
    if (at) places[id] = { x: at.x + by.x, y: at.y + by.y };
  }
  moveNodes(places, "moveNodes", `nudge:${selection().join()}`);
  setMoving({});
}

/** Opens the quick-add window: after the selected node if it has a free output, else in the middle. */
function quickAdd(): void {
  const id = one();
  const graph = useGraph.getState();
  const node = id ? graph.nodes[id] : undefined;
  if (node) {
    const specs = current()?.specs ?? new Map();
    const output = portsOf(node, specs, graph.edges).outputs[0];
    const box = boxOf(node.id) ?? { ...node.position, width: CARD_WIDTH };
    const beside = { x: box.x + box.width + 72, y: box.y };
    if (output) {
      const at = toPage({ x: box.x + box.width + 12, y: box.y });
      openQuickAdd({
        at,
        place: beside,
        from: { node: node.id, port: output.name, side: "source" },
      });
      return;
    }
  }
  openQuickAdd({ at: middleOfPage(), place: centre() });
}

function selectAll(): void {
  const { nodes, notes, edges } = useGraph.getState();
  setSelection(
    [...Object.keys(nodes), ...Object.keys(notes)],
    edges.map((e) => e.id),
  );
}

const NOTE_SIZE = { width: NOTE_WIDTH, height: NOTE_HEIGHT };

/** A new sticky note, ready to be written on. */
export function newNote(at?: Point): void {
  const { nodes, notes } = useGraph.getState();
  const cards = Object.keys(nodes).flatMap((id) => boxOf(id) ?? []);
  const wanted = at ?? useCanvas.getState().pointer ?? centre();
  const taken = [...cards, ...Object.values(notes).map(noteBox)];
  const place = freePlace({ ...wanted, ...NOTE_SIZE }, taken);
  const id = addNote({ text: "", position: place, size: NOTE_SIZE });
  if (id) useCanvas.setState({ renaming: id });
}

const showInspector = (): void => {
  useEditorUi.setState({ inspectorOpen: true, inspectorTab: "settings" });
  requestAnimationFrame(() => {
    const field = "[data-testid=inspector] :is(input, textarea, [role=textbox])";
    document.querySelector<HTMLElement>(field)?.focus();
  });
};

const table = {
  "edit.undo": { group: "edit", keys: ["mod+z"], when: mayEdit, run: undo },
  "edit.redo": { group: "edit", keys: ["mod+shift+z", "mod+y"], when: mayEdit, run: redo },
  "edit.copy": { group: "edit", keys: ["mod+c"], native: true, when: some, run: copySelection },
  "edit.cut": { group: "edit", keys: ["mod+x"], native: true, when: some, run: cutSelection },
  "edit.paste": { group: "edit", keys: ["mod+v"], native: true, when: mayEdit, run: pasteFromMenu },
  "edit.duplicate": {
    group: "edit",
    keys: ["mod+d"],
    canvas: true,
    when: some,
    run: () => void duplicate(selection()),
  },
  "edit.delete": {
    group: "edit",
    keys: ["delete", "backspace"],
    canvas: true,
    when: () => some() || useGraph.getState().selectedEdges.length > 0,
    run: removeSelection,
  },
  "edit.selectAll": { group: "edit", keys: ["mod+a"], canvas: true, run: selectAll },
  "edit.rename": {
    group: "edit",
    keys: ["f2"],
    canvas: true,
    when: () => selection().length === 1 && mayEdit(),
    run: () => useCanvas.setState({ renaming: selection()[0] ?? null }),
  },
  "edit.disable": {
    group: "edit",
    keys: ["d"],
    canvas: true,
    when: () => selectedNodes().length > 0,
    run: () => toggleDisabled(selectedNodes()),
  },
  "edit.open": {
    group: "edit",
    keys: ["enter"],
    canvas: true,
    when: () => one() !== null,
    run: () => goIn() || showInspector(),
  },
  "edit.nudge": {
    group: "edit",
    keys: ["arrowup", "arrowdown", "arrowleft", "arrowright"],
    canvas: true,
    hidden: true,
    when: some,
    run: nudge,
  },
  "edit.nudgeFar": {
    group: "edit",
    keys: ["shift+arrowup", "shift+arrowdown", "shift+arrowleft", "shift+arrowright"],
    canvas: true,
    hidden: true,
    when: some,
    run: nudge,
  },
  "edit.intoLoop": {
    group: "edit",
    keys: ["mod+g"],
    canvas: true,
    when: () => canWrap() && mayEdit(),
    run: wrapSelection("control.for_each"),
  },
  "edit.intoTry": {
    group: "edit",
    keys: ["shift+g"],
    canvas: true,
    when: () => canWrap() && mayEdit(),
    run: wrapSelection("control.try"),
  },
  "edit.intoParallel": {
    group: "edit",
    keys: ["alt+g"],
    canvas: true,
    when: () => canWrap() && mayEdit(),
    run: wrapSelection("control.parallel"),
  },
  "edit.takeOut": {
    group: "edit",
    keys: ["mod+shift+g"],
    canvas: true,
    when: () => canTakeOut() && mayEdit(),
    run: takeSelectionOut,
  },
  "edit.fold": {
    group: "edit",
    keys: ["."],
    canvas: true,
    when: canFold,
    run: foldSelection,
  },
  "edit.tidy": { group: "edit", keys: ["shift+alt+t"], when: mayEdit, run: () => void tidyUp() },
  "add.node": { group: "add", keys: ["tab"], canvas: true, when: mayEdit, run: quickAdd },
  "add.note": {
    group: "add",
    keys: ["shift+s"],
    canvas: true,
    when: mayEdit,
    run: () => newNote(),
  },
  "add.panel": { group: "add", keys: ["a"], canvas: true, run: () => togglePanel("add") },
  "view.palette": { group: "view", keys: ["mod+k"], run: openPalette },
  "view.shortcuts": {
    group: "view",
    keys: ["?"],
    run: () => useEditorUi.setState((s) => ({ shortcutsOpen: !s.shortcutsOpen })),
  },
  "view.fit": { group: "view", keys: ["1"], canvas: true, run: () => showAll() },
  "view.fitSelection": {
    group: "view",
    keys: ["2"],
    canvas: true,
    when: some,
    run: () => showAll(selection()),
  },
  "view.actual": { group: "view", keys: ["0"], canvas: true, run: () => zoomTo(1) },
  "view.zoomIn": { group: "view", keys: ["+", "="], canvas: true, run: zoomIn },
  "view.zoomOut": { group: "view", keys: ["-"], canvas: true, run: zoomOut },
  "view.problems": { group: "view", keys: ["p"], canvas: true, run: () => togglePanel("problems") },
  "view.inspector": {
    group: "view",
    keys: ["i"],
    canvas: true,
    run: () => useEditorUi.setState((s) => ({ inspectorOpen: !s.inspectorOpen })),
  },
  "view.dock": {
    group: "view",
    keys: ["l"],
    canvas: true,
    run: toggleDock,
  },
  "view.nothing": {
    group: "view",
    keys: ["escape"],
    canvas: true,
    hidden: true,
    run: (event) => goOut(event?.target) || setSelection([], []),
  },
  ...RUNNING,
  "edit.pin": {
    group: "run",
    keys: ["shift+p"],
    canvas: true,
    when: () => one() !== null && mayEdit(),
    run: () => void togglePin(one() ?? ""),
  },
  "debug.breakpoint": {
    group: "run",
    keys: ["f9"],
    canvas: true,
    when: () => selectedNodes().length > 0,
    run: () => toggleBreakpoints(selectedNodes()),
  },
  "debug.condition": {
    group: "run",
    keys: ["shift+f9"],
    canvas: true,
    when: () => one() !== null,
    run: () => useCanvas.setState({ breakpointOf: one() }),
  },
} satisfies Record<string, Command>;

export type CommandId = keyof typeof table;
export const COMMANDS: Record<CommandId, Command> = table;
export const COMMAND_IDS = Object.keys(table) as CommandId[];

export const possible = (id: CommandId): boolean => COMMANDS[id].when?.() ?? true;

export function perform(id: CommandId): void {
  if (possible(id)) COMMANDS[id].run();
}
