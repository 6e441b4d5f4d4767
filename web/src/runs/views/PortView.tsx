import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { JsonObject, PortData } from "@/api/types";
import { Chart } from "../charts/Chart";
import { specOf } from "../charts/series";
import classes from "../NodeData.module.css";
import { JsonTree } from "./JsonTree";
import { itemsOf, rowsOf, type View } from "./shape";
import { TableView } from "./TableView";
import { TextView } from "./TextView";

interface PortViewProps {
  port: PortData;
  view: View;
  settings: JsonObject;
  /** The columns a table shows, in order; all of them when there are none. */
  columns?: readonly string[] | undefined;
  onMore: (() => void) | undefined;
}

const NOTHING: JsonObject[] = [];

function titleOf(settings: JsonObject): string {
  return typeof settings.title === "string" ? settings.title : "";
}

/** The value of a port, as table, chart, text or JSON. */
export function PortView({ port, view, settings, columns, onMore }: PortViewProps) {
  const { t } = useTranslation("runs");
  const rows = useMemo(() => rowsOf(port) ?? NOTHING, [port]);
  const spec = useMemo(() => specOf(settings, rows), [settings, rows]);
  if (port.kind === "records" && port.count === 0) {
    return <p className={classes.note}>{t("data.empty")}</p>;
  }
  switch (view) {
    case "table":
      return <TableView rows={rows} total={port.count} wanted={columns} onMore={onMore} />;
    case "chart":
      return <Chart rows={rows} spec={spec} title={titleOf(settings)} />;
    case "text":
      return <TextView value={port.kind === "records" ? itemsOf(port) : (port.value ?? "")} />;
    default:
      return <JsonTree value={port.kind === "records" ? itemsOf(port) : (port.value ?? null)} />;
  }
}
