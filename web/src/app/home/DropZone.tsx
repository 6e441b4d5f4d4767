import { type DragEvent, type ReactNode, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import classes from "./HomePage.module.css";

interface DropZoneProps {
  enabled: boolean;
  onFiles: (files: File[]) => void;
  children: ReactNode;
}

function carriesFiles(event: DragEvent): boolean {
  return event.dataTransfer.types.includes("Files");
}

/** The page as a place to drop files on. */
export function DropZone({ enabled, onFiles, children }: DropZoneProps) {
  const { t } = useTranslation("home");
  const [over, setOver] = useState(false);
  const depth = useRef(0);
  function move(event: DragEvent, step: number): void {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth.current = Math.max(0, depth.current + step);
    setOver(enabled && depth.current > 0);
  }
  function drop(event: DragEvent): void {
    if (!carriesFiles(event)) return;
    event.preventDefault();
    depth.current = 0;
    setOver(false);
    if (enabled) onFiles([...event.dataTransfer.files]);
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what is dropped can be chosen with a button
    <div
      className={classes.drop}
      onDragEnter={(event) => move(event, 1)}
      onDragLeave={(event) => move(event, -1)}
      onDragOver={(event) => move(event, 0)}
      onDrop={drop}
    >
      {children}
      {over && (
        <div className={classes.veil}>
          <b>{t("drop.title")}</b>
          <span>{t("drop.text")}</span>
        </div>
      )}
    </div>
  );
}
