import { ReactFlowProvider } from "@xyflow/react";
import { useEffect, useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useCatalogue } from "@/api/catalogue";
import { ApiError } from "@/api/errors";
import { useFlow } from "@/api/flows";
import { useSession as useAccount } from "@/api/session";
import type { FlowInfo } from "@/api/types";
import { NotFound } from "@/app/NotFound";
import { usePageTitle } from "@/app/title";
import { Canvas } from "@/canvas/Canvas";
import { useSpecs } from "@/canvas/hooks";
import { closeSession, openSession, setSpecs } from "@/flow/session";
import { useGraph } from "@/flow/store";
import { ThenStrip } from "@/runs/again/ThenStrip";
import { RunDock } from "@/runs/Dock";
import { RunStrip } from "@/runs/strip/RunStrip";
import { Waiting } from "@/ui/Waiting";
import { useClipboard } from "./clipboard";
import classes from "./EditorPage.module.css";
import { Inspector } from "./inspector/Inspector";
import { CanvasMenu } from "./overlays/CanvasMenu";
import { CommandPalette } from "./overlays/CommandPalette";
import { Notices } from "./overlays/Notices";
import { RunInputs } from "./overlays/RunInputs";
import { SessionState } from "./overlays/SessionState";
import { ShortcutsSheet } from "./overlays/ShortcutsSheet";
import { useRoomForPanels } from "./room";
import { useShortcuts } from "./shortcuts/useShortcuts";
import { Rail } from "./side/Rail";
import { SidePanel } from "./side/SidePanel";
import { TopBar } from "./top/TopBar";
import { useChecks } from "./useChecks";
import { useOpenPanel } from "./usePanelPresence";

/** The editor of one flow. */
export default function EditorPage({ flowId }: { flowId: string }) {
  const flow = useFlow(flowId);
  if (flow.data) return <Editor flow={flow.data} />;
  if (flow.error instanceof ApiError && [403, 404].includes(flow.error.status)) return <NotFound />;
  return <Waiting />;
}

function Editor({ flow }: { flow: FlowInfo }) {
  const { t } = useTranslation("editor");
  const name = useGraph((s) => (s.ready ? s.meta.name : flow.name));
  usePageTitle(name || flow.name);
  useFlowSession(flow);
  useShortcuts();
  useClipboard();
  useChecks(flow.id);
  useOpenPanel();
  useRoomForPanels();
  return (
    <ReactFlowProvider>
      <div className={classes.editor} data-testid="editor">
        <h1 className="visually-hidden">{name || flow.name}</h1>
        <TopBar flow={flow} />
        <Rail />
        <SidePanel />
        <main className={classes.middle} aria-label={t("canvas.region")}>
          <RunStrip />
          <ThenStrip />
          <div className={classes.canvas}>
            <Canvas />
            <SessionState />
          </div>
          <RunDock flowId={flow.id} />
        </main>
        <Inspector flow={flow} />
      </div>
      <CanvasMenu />
      <CommandPalette />
      <ShortcutsSheet />
      <RunInputs />
      <Notices />
    </ReactFlowProvider>
  );
}

/** Holds the document of the flow open while the page is. */
function useFlowSession({ id, role }: FlowInfo): void {
  const { user } = useAccount();
  const { specs } = useCatalogue();
  const person = useMemo(
    () => ({ id: user.id, name: user.name, color: user.color }),
    [user.id, user.name, user.color],
  );
  useEffect(() => {
    openSession({ flowId: id, user: person, role });
    return closeSession;
  }, [id, role, person]);
  useEffect(() => {
    setSpecs(specs);
    useSpecs.setState({ specs });
  }, [specs]);
}
