import { useEffect } from "react";
import { canvasHasKeys } from "@/canvas/view";
import { useGraph } from "@/flow/store";
import { COMMAND_IDS, COMMANDS, type CommandId, possible } from "./commands";
import { matches } from "./keys";

const CANVAS = "[data-testid=canvas]";

function typing(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
}

/** Whether the canvas was the last thing pointed at, and nobody has walked away by Tab since. */
let pointedAtCanvas = false;

/**
 * Tab belongs to people who walk through the page with it. It adds a node for those who came to
 * the canvas by pointing, and where there is nothing yet to walk to.
 */
function walking(event: KeyboardEvent): boolean {
  if (event.key !== "Tab") return false;
  const at = document.activeElement;
  if (at?.matches(CANVAS)) return false;
  const nowhere = at === null || at === document.body;
  const empty = Object.keys(useGraph.getState().nodes).length === 0;
  const adds = pointedAtCanvas || (nowhere && empty);
  if (adds && (nowhere || at.matches(".react-flow__node, .react-flow__edge"))) return false;
  pointedAtCanvas = false;
  return true;
}

const dialogOpen = (): boolean =>
  document.querySelector("[role=dialog][aria-modal=true], [role=menu]") !== null;

function commandOf(event: KeyboardEvent): CommandId | undefined {
  return COMMAND_IDS.find((id) => {
    const command = COMMANDS[id];
    if (command.native || !command.keys.some((keys) => matches(event, keys))) return false;
    if (command.canvas && (!canvasHasKeys() || dialogOpen())) return false;
    return possible(id);
  });
}

/** Whether the key belongs to the field the person is typing in. */
function ofField(event: KeyboardEvent): boolean {
  if (!typing(event.target) || /^F\d+$/.test(event.key)) return false;
  return !(event.ctrlKey || event.metaKey) || /^[zyxcvad]$/i.test(event.key);
}

/** Lets the keys of the table do what it says. */
export function useShortcuts(): void {
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const taken = event.defaultPrevented || event.isComposing;
      if (taken || ofField(event) || walking(event)) return;
      const id = commandOf(event);
      if (!id) return;
      event.preventDefault();
      COMMANDS[id].run(event);
    };
    const onPointerDown = ({ target }: PointerEvent) => {
      pointedAtCanvas = target instanceof Element && target.closest(CANVAS) !== null;
    };
    window.addEventListener("keydown", onKeyDown);
    window.addEventListener("pointerdown", onPointerDown, true);
    return () => {
      window.removeEventListener("keydown", onKeyDown);
      window.removeEventListener("pointerdown", onPointerDown, true);
    };
  }, []);
}
