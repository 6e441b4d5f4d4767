import { ActionIcon, Autocomplete, Tooltip } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconFolderOpen } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useFolder } from "@/api/files";
import { FilePicker, type Purpose } from "@/files/FilePicker";
import { folderOf, isPattern, nameOf } from "@/files/paths";
import { type FlowFiles, useFlowFiles } from "@/files/useFlowFiles";
import type { ShapedProps } from "../Control";
import { useForm } from "../context";
import { useDraft } from "../draft";
import { placeholderOf } from "../placeholder";

const MONO = { input: { fontFamily: "var(--mono)", fontSize: 12 } };
const MOST = 12;

const PURPOSES: Record<string, Purpose> = { "file.write": "save", "file.read_documents": "any" };

/** The path of a file: typed with completions, or chosen among the files of the workspace. */
export function PathControl({ shape, value, onChange, label, invalid = false }: ShapedProps) {
  const { t } = useTranslation("files");
  const { readOnly, spec } = useForm();
  const files = useFlowFiles();
  const [browsing, setBrowsing] = useState(false);
  const [focused, setFocused] = useState(false);
  const draft = useDraft(typeof value === "string" ? value : "", (text: string) =>
    onChange(text === "" && shape.schema.default !== "" ? undefined : text),
  );
  const completions = useCompletions(files, draft.value, focused && !readOnly);
  return (
    <>
      <Autocomplete
        aria-label={label}
        autoComplete="off"
        spellCheck={false}
        readOnly={readOnly}
        error={invalid}
        placeholder={placeholderOf(shape)}
        styles={MONO}
        {...(shape.schema.maxLength !== undefined && { maxLength: shape.schema.maxLength })}
        data={completions}
        filter={({ options }) => options}
        maxDropdownHeight={240}
        comboboxProps={{ width: "max-content", position: "bottom-start" }}
        value={draft.value}
        onChange={draft.change}
        onOptionSubmit={(path) => (path.endsWith("/") ? draft.change(path) : draft.set(path))}
        onFocus={() => setFocused(true)}
        onBlur={() => {
          setFocused(false);
          draft.commit();
        }}
        onKeyDown={(event) => event.key === "Enter" && draft.commit()}
        rightSection={
          files && (
            <Tooltip label={t("browse")}>
              <ActionIcon
                size={24}
                aria-label={t("browse")}
                data-testid="browse-files"
                onClick={() => setBrowsing(true)}
              >
                <IconFolderOpen size={16} stroke={1.7} />
              </ActionIcon>
            </Tooltip>
          )
        }
      />
      {browsing && files && (
        <FilePicker
          {...files}
          canWrite={files.canWrite && !readOnly}
          purpose={PURPOSES[spec.type] ?? "open"}
          value={draft.value}
          onChoose={(path) => !readOnly && draft.set(path)}
          onClose={() => setBrowsing(false)}
        />
      )}
    </>
  );
}

/** What is in the folder that is being typed, as far as it begins like what is typed. */
function useCompletions(files: FlowFiles | null, text: string, wanted: boolean): string[] {
  const [settled] = useDebouncedValue(text, 120);
  const folder = folderOf(settled);
  const enabled = wanted && files !== null && !isPattern(settled);
  const { data } = useFolder(files?.workspaceId ?? "", folder, nameOf(settled), enabled);
  if (!enabled || folderOf(text) !== folder) return [];
  const begun = nameOf(text).toLowerCase();
  const items = data?.pages[0]?.items ?? [];
  return items
    .filter(({ name, path }) => name.toLowerCase().startsWith(begun) && path !== text)
    .slice(0, MOST)
    .map(({ path, kind }) => (kind === "folder" ? `${path}/` : path));
}
