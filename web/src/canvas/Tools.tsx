import { Menu } from "@mantine/core";
import { IconArrowBackUp, IconArrowForwardUp, IconMinus, IconPlus } from "@tabler/icons-react";
import { useStore } from "@xyflow/react";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useHint } from "@/editor/shortcuts/hint";
import { type Notice, notices, redo, undo } from "@/flow/session";
import { useGraph, useSession } from "@/flow/store";
import { useCanEdit } from "./hooks";
import { setPointing, useCanvas } from "./state";
import { useStepName } from "./stepName";
import classes from "./Tools.module.css";
import { showAll, zoomIn, zoomOut, zoomTo } from "./view";

const LEVELS = [0.25, 0.5, 1, 1.5, 2];

/** Undo, zoom, fit and tidy up, at the corner of the canvas. */
export function Tools({ onTidy }: { onTidy: () => Promise<void> }) {
  const { t } = useTranslation("editor");
  const hint = useHint();
  const canEdit = useCanEdit();
  const empty = useGraph((s) => Object.keys(s.nodes).length === 0);
  const [tidying, setTidying] = useState(false);
  const tidy = () => {
    setTidying(true);
    void onTidy().finally(() => setTidying(false));
  };
  return (
    <div className={classes.corner} data-over-canvas>
      <UndoRedo />
      <div className={classes.tools} role="toolbar" aria-label={t("tools.zoom")}>
        <button type="button" onClick={zoomOut} {...hint("view.zoomOut")}>
          <IconMinus size={14} stroke={1.8} />
        </button>
        <ZoomMenu />
        <button type="button" onClick={zoomIn} {...hint("view.zoomIn")}>
          <IconPlus size={14} stroke={1.8} />
        </button>
        <button type="button" onClick={() => showAll()} disabled={empty} {...hint("view.fit")}>
          {t("tools.fit")}
        </button>
        <button
          type="button"
          onClick={tidy}
          disabled={empty || !canEdit || tidying}
          data-testid="tidy"
          {...hint("edit.tidy")}
        >
          {t("tools.tidy")}
        </button>
      </div>
      <LastStep />
    </div>
  );
}

function UndoRedo() {
  const { t } = useTranslation("editor");
  const hint = useHint();
  const name = useStepName();
  const back = useSession((s) => s.undoLabel);
  const forth = useSession((s) => s.redoLabel);
  const canEdit = useCanEdit();
  const tip = (id: "edit.undo" | "edit.redo", words: string) => ({ ...hint(id, words) });
  return (
    <div className={classes.tools} role="toolbar" aria-label={t("tools.history")}>
      <button
        type="button"
        onClick={undo}
        disabled={!back || !canEdit}
        data-testid="undo"
        {...tip("edit.undo", back ? t("undo.of", { step: name(back) }) : t("command.edit.undo"))}
      >
        <IconArrowBackUp size={15} stroke={1.7} />
      </button>
      <button
        type="button"
        onClick={redo}
        disabled={!forth || !canEdit}
        data-testid="redo"
        {...tip("edit.redo", forth ? t("redo.of", { step: name(forth) }) : t("command.edit.redo"))}
      >
        <IconArrowForwardUp size={15} stroke={1.7} />
      </button>
    </div>
  );
}

const SAID_MS = 2600;

/** Says for a moment what was undone or redone. */
function LastStep() {
  const { t } = useTranslation("editor");
  const name = useStepName();
  const [said, setSaid] = useState<Notice | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = notices.on((notice) => {
      if (notice.key !== "undone" && notice.key !== "redone") return;
      clearTimeout(timer);
      setSaid(notice);
      timer = setTimeout(() => setSaid(null), SAID_MS);
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }, []);
  const { step = "", count = 1, name: called = "" } = said?.params ?? {};
  const label = { key: String(step), count: Number(count), name: String(called) };
  return (
    <output className={classes.said} data-testid="last-step">
      {said && t(`notice.${said.key as "undone" | "redone"}`, { step: name(label) })}
    </output>
  );
}

function ZoomMenu() {
  const { t } = useTranslation("editor");
  const zoom = useStore((s) => s.transform[2]);
  const pointing = useCanvas((s) => s.pointing);
  return (
    <Menu position="top" width={230}>
      <Menu.Target>
        <button type="button" className={classes.zoom} aria-label={t("tools.zoomLevel")}>
          {Math.round(zoom * 100)}%
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        {LEVELS.map((level) => (
          <Menu.Item key={level} onClick={() => zoomTo(level)}>
            {level * 100}%
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Label>{t("pointing.label")}</Menu.Label>
        {(["trackpad", "mouse"] as const).map((way) => (
          <Menu.Item
            key={way}
            role="menuitemradio"
            aria-checked={pointing === way}
            onClick={() => setPointing(way)}
            rightSection={pointing === way ? "✓" : null}
          >
            {t(`pointing.${way}`)}
            <span className={classes.way}>{t(`pointing.${way}.text`)}</span>
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
