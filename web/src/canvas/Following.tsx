import { useReactFlow } from "@xyflow/react";
import { useEffect } from "react";
import { useEditorUi } from "@/editor/ui";
import { useMotion, usePresence } from "@/flow/presence";

const EVERY_MS = 400;

/** While somebody is followed, keeps their cursor in view. */
export function Following() {
  const who = useEditorUi((s) => s.following);
  const { setCenter, getZoom } = useReactFlow();
  useEffect(() => {
    if (who === null) return;
    const look = () => {
      if (!usePresence.getState().peers.some((peer) => peer.client === who)) {
        useEditorUi.setState({ following: null });
        return;
      }
      const at = useMotion.getState().cursors[who];
      if (at) void setCenter(at.x, at.y, { zoom: getZoom(), duration: 200 });
    };
    look();
    const timer = setInterval(look, EVERY_MS);
    const stop = () => useEditorUi.setState({ following: null });
    window.addEventListener("wheel", stop, { passive: true });
    window.addEventListener("pointerdown", stop);
    return () => {
      clearInterval(timer);
      window.removeEventListener("wheel", stop);
      window.removeEventListener("pointerdown", stop);
    };
  }, [who, setCenter, getZoom]);
  return null;
}
