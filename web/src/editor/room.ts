/** In a narrow window the panels at the sides give way to each other: one is open at a time. */
import { useEffect } from "react";
import { useEditorUi } from "./ui";

const NARROW = "(max-width: 1179px)";

type Side = "panel" | "inspector";

const bothOpen = ({ panel, inspectorOpen }: { panel: unknown; inspectorOpen: boolean }): boolean =>
  panel !== null && inspectorOpen;

export function useRoomForPanels(): void {
  useEffect(() => {
    const narrow = window.matchMedia(NARROW);
    /** What was put away, to come back when there is room again. */
    let away: Partial<ReturnType<typeof useEditorUi.getState>> | null = null;
    const putAway = (side: Side) => {
      const { panel } = useEditorUi.getState();
      away = side === "panel" ? { panel } : { inspectorOpen: true };
      useEditorUi.setState(side === "panel" ? { panel: null } : { inspectorOpen: false });
    };
    const settle = () => {
      if (narrow.matches && bothOpen(useEditorUi.getState())) putAway("panel");
      else if (!narrow.matches && away) {
        useEditorUi.setState(away);
        away = null;
      }
    };
    const stop = useEditorUi.subscribe((now, was) => {
      if (!narrow.matches || !bothOpen(now) || bothOpen(was)) return;
      putAway(was.panel === null ? "inspector" : "panel");
    });
    narrow.addEventListener("change", settle);
    settle();
    return () => {
      stop();
      narrow.removeEventListener("change", settle);
    };
  }, []);
}
