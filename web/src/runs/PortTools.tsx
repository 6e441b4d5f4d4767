import { ActionIcon, Menu, Tooltip } from "@mantine/core";
import { useClipboard } from "@mantine/hooks";
import { IconCheck, IconCopy, IconDownload } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { PortData } from "@/api/types";
import { download, fileName } from "@/ui/download";
import { notify } from "@/ui/notify";
import { useErrorText } from "@/ui/useErrorText";
import classes from "./NodeData.module.css";
import { csvOf, jsonOf, rowsOf } from "./views/shape";

interface PortToolsProps {
  port: PortData;
  title: string;
  /** Everything that was kept of the port, not only what is on the page. */
  whole: () => Promise<PortData>;
}

/** Copying and downloading what a port gave. */
export function PortTools({ port, title, whole }: PortToolsProps) {
  const { t } = useTranslation("common");
  const describe = useErrorText();
  const clipboard = useClipboard({ timeout: 2000 });
  const [busy, setBusy] = useState(false);

  async function withAll(use: (all: PortData) => void): Promise<void> {
    setBusy(true);
    try {
      use(await whole());
    } catch (error) {
      notify.problem(describe(error));
    }
    setBusy(false);
  }

  // A byte order mark lets spreadsheets see that it is UTF-8.
  const asCsv = (all: PortData) =>
    download(fileName(title, "csv"), `\ufeff${csvOf(rowsOf(all) ?? [])}`, "text/csv");
  const asJson = (all: PortData) => download(fileName(title, "json"), jsonOf(all));
  const copyLabel = clipboard.copied ? t("action.copied") : t("action.copy");
  const downloadLabel = t("action.download");
  return (
    <span className={classes.tools}>
      <Tooltip label={copyLabel}>
        <ActionIcon
          size={26}
          aria-label={copyLabel}
          disabled={busy}
          onClick={() => void withAll((all) => clipboard.copy(jsonOf(all)))}
        >
          {clipboard.copied ? <IconCheck size={15} /> : <IconCopy size={15} stroke={1.6} />}
        </ActionIcon>
      </Tooltip>
      <Menu position="bottom-end">
        <Menu.Target>
          <Tooltip label={downloadLabel}>
            <ActionIcon size={26} aria-label={downloadLabel} loading={busy}>
              <IconDownload size={15} stroke={1.6} />
            </ActionIcon>
          </Tooltip>
        </Menu.Target>
        <Menu.Dropdown>
          {rowsOf(port) && <Menu.Item onClick={() => void withAll(asCsv)}>CSV</Menu.Item>}
          <Menu.Item onClick={() => void withAll(asJson)}>JSON</Menu.Item>
        </Menu.Dropdown>
      </Menu>
    </span>
  );
}
