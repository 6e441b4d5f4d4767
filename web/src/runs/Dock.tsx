import { ActionIcon, Tooltip, UnstyledButton } from "@mantine/core";
import { IconChevronDown, IconChevronUp } from "@tabler/icons-react";
import { type KeyboardEvent, type PointerEvent, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useFlow } from "@/api/flows";
import classes from "./Dock.module.css";
import { DebugPane } from "./debug/DebugPane";
import {
  DOCK_TABS,
  type DockTab,
  highest,
  LOWEST,
  setDockHeight,
  showTab,
  toggleDock,
  useDock,
} from "./dockState";
import { HistoryPane } from "./history/HistoryPane";
import { LogPane } from "./LogPane";
import { LivePane } from "./live/LivePane";
import { OutputPane } from "./OutputPane";
import { RunSummary } from "./RunSummary";
import { isActive, useRun, watchFlow } from "./store";
import { Timeline } from "./timeline/Timeline";

export interface RunDockProps {
  flowId: string;
}

const TABS: readonly DockTab[] = DOCK_TABS;

/** The bottom dock: timeline, log and output of the run that is shown. */
export function RunDock({ flowId }: RunDockProps) {
  const { open, height, tab } = useDock();
  useWatch(flowId);
  useOpenOnRun();
  return (
    <section
      className={classes.dock}
      data-testid="dock"
      data-open={open}
      style={open ? { height } : undefined}
    >
      {open && <Resizer height={height} />}
      <Head open={open} tab={tab} />
      {open && (
        <div
          className={classes.body}
          role="tabpanel"
          id="dock-panel"
          aria-labelledby={`dock-${tab}`}
        >
          {tab === "timeline" && <Timeline />}
          {tab === "log" && <LogPane />}
          {tab === "output" && <OutputPane />}
          {tab === "debug" && <DebugPane />}
          {tab === "live" && <LivePane />}
          {tab === "runs" && <HistoryPane flowId={flowId} />}
        </div>
      )}
    </section>
  );
}

function useWatch(flowId: string): void {
  const workspaceId = useFlow(flowId).data?.workspace_id;
  useEffect(
    () => (workspaceId ? watchFlow(workspaceId, flowId) : undefined),
    [workspaceId, flowId],
  );
}

/** The first run that starts while the page is open shows the dock. */
function useOpenOnRun(): void {
  const active = useRun((run) => isActive(run.state));
  const shownOnce = useRef(false);
  useEffect(() => {
    if (!active || shownOnce.current) return;
    shownOnce.current = true;
    useDock.setState({ open: true });
  }, [active]);
}

interface HeadProps {
  open: boolean;
  tab: DockTab;
}

/** The panel of runs that live is offered for those. */
function useTabs(tab: DockTab): readonly DockTab[] {
  const lives = useRun((run) => run.mode === "streaming");
  return lives || tab === "live" ? TABS : TABS.filter((each) => each !== "live");
}

function Head({ open, tab }: HeadProps) {
  const { t } = useTranslation("runs");
  const tabs = useTabs(tab);
  const label = open ? t("dock.collapse") : t("dock.expand");
  const Icon = open ? IconChevronDown : IconChevronUp;
  function onKeyDown(event: KeyboardEvent): void {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    const next = tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length];
    if (step === 0 || !next) return;
    event.preventDefault();
    showTab(next);
    document.getElementById(`dock-${next}`)?.focus();
  }
  return (
    <header className={classes.head}>
      <div className={classes.tabs} role="tablist" aria-label={t("dock.label")}>
        {tabs.map((each) => (
          <UnstyledButton
            key={each}
            id={`dock-${each}`}
            role="tab"
            className={classes.tab ?? ""}
            aria-selected={open && each === tab}
            aria-controls="dock-panel"
            tabIndex={each === tab ? 0 : -1}
            data-testid={`dock-tab-${each}`}
            onKeyDown={onKeyDown}
            onClick={() => showTab(each)}
          >
            {t(`dock.${each}`)}
          </UnstyledButton>
        ))}
      </div>
      <RunSummary />
      <Tooltip label={label}>
        <ActionIcon
          size={24}
          aria-label={label}
          aria-expanded={open}
          onClick={toggleDock}
          data-testid="dock-toggle"
        >
          <Icon size={16} stroke={1.7} />
        </ActionIcon>
      </Tooltip>
    </header>
  );
}

const KEY_STEP = 24;

function Resizer({ height }: { height: number }) {
  const { t } = useTranslation("runs");
  const start = useRef<{ y: number; height: number } | null>(null);
  function down(event: PointerEvent<HTMLDivElement>): void {
    event.currentTarget.setPointerCapture(event.pointerId);
    start.current = { y: event.clientY, height };
  }
  function move(event: PointerEvent): void {
    if (start.current) setDockHeight(start.current.height + start.current.y - event.clientY);
  }
  function up(): void {
    start.current = null;
  }
  function key(event: KeyboardEvent): void {
    const step = event.key === "ArrowUp" ? KEY_STEP : event.key === "ArrowDown" ? -KEY_STEP : 0;
    if (step === 0) return;
    event.preventDefault();
    setDockHeight(height + step);
  }
  return (
    // biome-ignore lint/a11y/useSemanticElements: a separator that can be moved is no <hr>
    <div
      className={classes.resizer}
      role="separator"
      aria-orientation="horizontal"
      aria-label={t("dock.resize")}
      aria-valuenow={height}
      aria-valuemin={LOWEST}
      aria-valuemax={highest()}
      tabIndex={0}
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={up}
      onKeyDown={key}
    />
  );
}
