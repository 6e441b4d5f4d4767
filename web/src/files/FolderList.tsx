import { ActionIcon, Button } from "@mantine/core";
import {
  IconBraces,
  IconDownload,
  IconFile,
  IconFileText,
  IconFileTypeCsv,
  IconFolder,
  IconTrash,
} from "@tabler/icons-react";
import type { KeyboardEvent } from "react";
import { useTranslation } from "react-i18next";
import { ApiError } from "@/api/errors";
import { fileUrl, useFolder } from "@/api/files";
import type { FileInfo } from "@/api/types";
import { inOneLine } from "@/ui/errorText";
import { useFormats } from "@/ui/format";
import { useErrorText } from "@/ui/useErrorText";
import { When } from "@/ui/When";
import classes from "./Picker.module.css";
import { nameOf, readerOf } from "./paths";

interface ListProps {
  workspaceId: string;
  folder: string;
  query: string;
  chosen: string;
  canWrite: boolean;
  /** One click, or two: the second takes it. */
  onOpen: (item: FileInfo, twice: boolean) => void;
  onDelete: (item: FileInfo) => void;
}

const ICONS: Record<string, typeof IconFile> = {
  "file.read_csv": IconFileTypeCsv,
  "file.read_json": IconBraces,
  "file.read_text": IconFileText,
};

function iconOf({ kind, name }: FileInfo): typeof IconFile {
  return kind === "folder" ? IconFolder : (ICONS[readerOf(name) ?? ""] ?? IconFile);
}

/** Up and down walk through the rows. */
function walk(event: KeyboardEvent<HTMLElement>): void {
  const step = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
  if (step === 0) return;
  const entries = [...event.currentTarget.querySelectorAll<HTMLElement>("[data-entry]")];
  const at = entries.indexOf(document.activeElement as HTMLElement);
  entries[Math.max(0, Math.min(entries.length - 1, at + step))]?.focus();
  event.preventDefault();
}

/** What is in a folder. */
export function FolderList(props: ListProps) {
  const { workspaceId, folder, query } = props;
  const { t } = useTranslation("files");
  const found = useFolder(workspaceId, folder, query);
  const items = found.data?.pages.flatMap((page) => page.items) ?? [];
  const where = nameOf(folder) || t("root");
  if (items.length === 0) return <Blank {...props} found={found} />;
  return (
    <>
      <ul className={classes.list} aria-label={t("list", { folder: where })} onKeyDown={walk}>
        {items.map((item) => (
          <Row key={item.path} item={item} {...props} />
        ))}
      </ul>
      {found.hasNextPage && (
        <Button
          className={classes.more ?? ""}
          variant="subtle"
          loading={found.isFetchingNextPage}
          onClick={() => void found.fetchNextPage()}
        >
          {t("more")}
        </Button>
      )}
    </>
  );
}

interface RowProps extends ListProps {
  item: FileInfo;
}

function Row({ item, workspaceId, chosen, canWrite, onOpen, onDelete }: RowProps) {
  const { t } = useTranslation("files");
  const formats = useFormats();
  const { name, path, kind } = item;
  const Icon = iconOf(item);
  const isChosen = chosen === path;
  return (
    <li
      className={classes.row}
      data-testid="file"
      data-path={path}
      data-chosen={isChosen || undefined}
    >
      <button
        type="button"
        className={classes.entry}
        data-entry
        data-kind={kind}
        aria-pressed={kind === "file" ? isChosen : undefined}
        onClick={(event) => onOpen(item, isChosen && event.detail !== 1)}
      >
        <Icon size={17} stroke={1.6} aria-hidden="true" />
        <span title={name}>{name}</span>
        <span className={classes.size} data-tabular>
          {typeof item.size === "number" ? formats.bytes(item.size) : ""}
        </span>
        <span className={classes.time}>
          <When time={item.modified_at} />
        </span>
      </button>
      <span className={classes.tools}>
        {kind === "file" && (
          <ActionIcon
            component="a"
            href={fileUrl(workspaceId, path)}
            download={name}
            size={26}
            aria-label={t("download", { name })}
            title={t("download", { name })}
          >
            <IconDownload size={15} stroke={1.7} />
          </ActionIcon>
        )}
        {canWrite && (
          <ActionIcon
            size={26}
            style={{ marginLeft: "auto" }}
            aria-label={t("delete", { name })}
            title={t("delete", { name })}
            onClick={() => onDelete(item)}
          >
            <IconTrash size={15} stroke={1.7} />
          </ActionIcon>
        )}
      </span>
    </li>
  );
}

interface BlankProps extends ListProps {
  found: ReturnType<typeof useFolder>;
}

function Blank({ found, folder, query, canWrite }: BlankProps) {
  const { t } = useTranslation("files");
  const errorText = useErrorText();
  const missing = found.error instanceof ApiError && found.error.code === "file.not_found";
  if (found.isPending) return <div className={classes.blank}>{t("loading")}</div>;
  if (found.error && !(missing && folder !== "")) {
    return (
      <div className={classes.blank} role="alert">
        {inOneLine(errorText(found.error))}
      </div>
    );
  }
  return (
    <div className={classes.blank} data-testid="files-empty">
      <b>{missing ? t("empty.new") : query ? t("empty.search", { query }) : t("empty")}</b>
      {canWrite && !query && t("empty.drop")}
    </div>
  );
}
