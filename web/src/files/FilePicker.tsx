import { ActionIcon, Button, FileButton, Modal, TextInput, Tooltip } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconFolderPlus, IconSearch, IconUpload } from "@tabler/icons-react";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { deleteFile, refreshFiles } from "@/api/files";
import type { FileInfo } from "@/api/types";
import { Confirm } from "@/ui/Confirm";
import { notify } from "@/ui/notify";
import { useErrorText } from "@/ui/useErrorText";
import { Crumbs } from "./Crumbs";
import { FolderList } from "./FolderList";
import { NewFolder } from "./NewFolder";
import classes from "./Picker.module.css";
import { cleaned, folderOf, isPattern, joined, nameOf, startOf } from "./paths";
import { UploadLine } from "./UploadLines";
import { send, useUploads } from "./uploads";
import { useFileDrop } from "./useFileDrop";

/** What is chosen: a file that is there, a file or a folder, or the place of a new file. */
export type Purpose = "open" | "any" | "save";

export interface PickerProps {
  workspaceId: string;
  canWrite: boolean;
  purpose: Purpose;
  /** What is set now. */
  value: string;
  onChoose: (path: string) => void;
  onClose: () => void;
}

/** The files of the workspace: look, bring, take along, delete, and choose one. */
export function FilePicker(props: PickerProps) {
  const { t } = useTranslation("files");
  const common = useTranslation().t;
  const [deleting, setDeleting] = useState<Doomed | null>(null);
  return (
    <>
      <Modal
        opened
        onClose={props.onClose}
        title={t(`title.${props.purpose}`)}
        size={680}
        closeOnEscape={deleting === null}
        closeButtonProps={{ "aria-label": common("action.close") }}
        data-testid="file-picker"
      >
        <Inside {...props} onDelete={(item, gone) => setDeleting({ item, gone })} />
      </Modal>
      <Deletion
        key={deleting?.item.path}
        workspaceId={props.workspaceId}
        item={deleting?.item ?? null}
        onGone={() => deleting?.gone()}
        onClose={() => setDeleting(null)}
      />
    </>
  );
}

/** What is about to be deleted, and what to do once it is gone. */
interface Doomed {
  item: FileInfo;
  gone: () => void;
}

interface InsideProps extends PickerProps {
  onDelete: (item: FileInfo, gone: () => void) => void;
}

function Inside(props: InsideProps) {
  const { workspaceId, canWrite, purpose, value, onChoose, onClose, onDelete } = props;
  const { t } = useTranslation("files");
  const [folder, setFolder] = useState(() => startOf(value));
  const [chosen, setChosen] = useState(() => (isPattern(value) ? "" : cleaned(value)));
  const [naming, setNaming] = useState(false);
  const [search, setSearch] = useState("");
  const [query] = useDebouncedValue(search.trim(), 150);
  const uploads = useUploads((state) => state.items).filter((u) => u.workspaceId === workspaceId);
  const where = useRef(folder);
  where.current = folder;

  function go(to: string): void {
    setFolder(to);
    setSearch("");
    setNaming(false);
    if (purpose === "save") setChosen((path) => joined(to, nameOf(path)));
    else setChosen("");
  }
  function take(path: string): void {
    onChoose(path);
    onClose();
  }
  function open(item: FileInfo, twice: boolean): void {
    if (item.kind === "folder") go(item.path);
    else if (twice) take(item.path);
    else setChosen(item.path);
  }
  function upload(files: readonly File[]): void {
    for (const file of files) {
      send(workspaceId, joined(folder, file.name), file, ({ path }) => {
        if (folderOf(path) === where.current) setChosen(path);
      });
    }
  }
  const drop = useFileDrop(canWrite, upload);
  return (
    <div className={classes.picker} {...drop.handlers}>
      <div className={classes.bar}>
        <Crumbs folder={folder} onGo={go} />
        <TextInput
          className={classes.search ?? ""}
          type="search"
          aria-label={t("search")}
          placeholder={t("search")}
          leftSection={<IconSearch size={14} stroke={1.7} />}
          value={search}
          onChange={(event) => setSearch(event.currentTarget.value)}
        />
        {canWrite && <Bring onFiles={upload} onFolder={() => setNaming(true)} />}
      </div>
      <div className={classes.frame}>
        {naming && (
          <NewFolder onName={(name) => go(joined(folder, name))} onClose={() => setNaming(false)} />
        )}
        <FolderList
          key={folder}
          workspaceId={workspaceId}
          folder={folder}
          query={query}
          chosen={chosen}
          canWrite={canWrite}
          onOpen={open}
          onDelete={(item) =>
            onDelete(item, () => setChosen((path) => (path === item.path ? "" : path)))
          }
        />
      </div>
      {uploads.length > 0 && (
        <div className={classes.uploads}>
          {uploads.map((each) => (
            <UploadLine key={each.id} upload={each} />
          ))}
        </div>
      )}
      <Foot {...props} folder={folder} chosen={chosen} onChange={setChosen} onTake={take} />
      {drop.over && (
        <div className={classes.veil}>
          {t("drop.here", { folder: nameOf(folder) || t("root") })}
        </div>
      )}
    </div>
  );
}

interface BringProps {
  onFiles: (files: File[]) => void;
  onFolder: () => void;
}

function Bring({ onFiles, onFolder }: BringProps) {
  const { t } = useTranslation("files");
  const reset = useRef<() => void>(null);
  return (
    <>
      <Tooltip label={t("folder")}>
        <ActionIcon size={30} aria-label={t("folder")} onClick={onFolder}>
          <IconFolderPlus size={17} stroke={1.7} />
        </ActionIcon>
      </Tooltip>
      <FileButton
        multiple
        resetRef={reset}
        inputProps={{ "aria-label": t("upload") }}
        onChange={(files) => {
          onFiles(files);
          reset.current?.();
        }}
      >
        {(props) => (
          <Button {...props} leftSection={<IconUpload size={15} stroke={1.7} />}>
            {t("upload")}
          </Button>
        )}
      </FileButton>
    </>
  );
}

interface FootProps extends PickerProps {
  folder: string;
  chosen: string;
  onChange: (path: string) => void;
  onTake: (path: string) => void;
}

function Foot({ purpose, folder, chosen, onChange, onTake, onClose }: FootProps) {
  const { t } = useTranslation("files");
  const common = useTranslation().t;
  const result = chosen || (purpose === "any" ? folder : "");
  const complete = purpose === "save" ? nameOf(chosen) !== "" : result !== "";
  return (
    <form
      className={classes.foot}
      onSubmit={(event) => {
        event.preventDefault();
        event.stopPropagation();
        if (complete) onTake(cleaned(result));
      }}
    >
      {purpose === "save" ? (
        <TextInput
          className={classes.target ?? ""}
          aria-label={t("name")}
          placeholder={t("name.hint")}
          spellCheck={false}
          maxLength={255}
          value={nameOf(chosen)}
          onChange={(event) => onChange(joined(folder, event.currentTarget.value))}
        />
      ) : (
        <span className={classes.chosen} title={result} data-testid="chosen-path">
          {result}
        </span>
      )}
      <Button onClick={onClose}>{common("action.cancel")}</Button>
      <Button type="submit" variant="filled" disabled={!complete} data-testid="choose-file">
        {purpose === "any" && chosen === "" ? t("choose.folder") : t("choose")}
      </Button>
    </form>
  );
}

interface DeletionProps {
  workspaceId: string;
  item: FileInfo | null;
  onGone: () => void;
  onClose: () => void;
}

function Deletion({ workspaceId, item, onGone, onClose }: DeletionProps) {
  const { t } = useTranslation("files");
  const common = useTranslation().t;
  const errorText = useErrorText();
  async function remove(): Promise<void> {
    if (!item) return;
    try {
      await deleteFile(workspaceId, item.path);
      onGone();
    } catch (error) {
      notify.problem(errorText(error));
    }
    await refreshFiles(workspaceId);
  }
  return (
    <Confirm
      opened={item !== null}
      title={t("delete.title", { name: item?.name ?? "" })}
      text={t(item?.kind === "folder" ? "delete.text_folder" : "delete.text")}
      action={common("action.delete")}
      onConfirm={remove}
      onClose={onClose}
    />
  );
}
