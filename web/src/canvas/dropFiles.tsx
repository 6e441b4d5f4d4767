/** Data files dropped on the canvas: they go to the workspace, and a node that reads them comes. */
import { notifications } from "@mantine/notifications";
import { useEffect } from "react";
import { useTranslation } from "react-i18next";
import type { FlowInfo } from "@/api/types";
import { queryClient } from "@/app/queryClient";
import { joined, readerOf } from "@/files/paths";
import { UploadLine } from "@/files/UploadLines";
import { cancel, send, useUploads } from "@/files/uploads";
import { parse, paste } from "@/flow/clipboard";
import { addNode } from "@/flow/commands";
import { current, editable } from "@/flow/session";
import type { Point } from "@/flow/types";
import { i18next } from "@/i18n";
import { notify } from "@/ui/notify";
import { CARD_WIDTH, HEAD_HEIGHT } from "./geometry";

const LARGEST_FLOW = 2_000_000;
const APART = HEAD_HEIGHT * 2;

/** Takes what was dropped: data files become nodes, flow files are pasted. */
export async function dropFiles(files: readonly File[], at: Point): Promise<void> {
  const session = editable();
  if (!session) return;
  const flow = queryClient.getQueryData<FlowInfo>(["flow", session.flowId]);
  let place = { x: at.x - CARD_WIDTH / 2, y: at.y - HEAD_HEIGHT / 2 };
  for (const file of files) {
    const reader = readerOf(file.name);
    const text = await flowText(file);
    if (text !== null) paste(text, at);
    else if (reader && flow) {
      bring(flow, file, reader, place);
      place = { x: place.x, y: place.y + APART };
    } else notify.info({ text: i18next.t("drop.unknown", { ns: "files", name: file.name }) });
  }
}

/** The text of a flow file in JSON; null for data. */
async function flowText(file: File): Promise<string | null> {
  if (readerOf(file.name) === "file.read_csv" || file.size > LARGEST_FLOW) return null;
  try {
    const text = await file.text();
    return parse(text) === null ? null : text;
  } catch {
    return null;
  }
}

function bring(flow: FlowInfo, file: File, reader: string, at: Point): void {
  const path = joined("", file.name.normalize("NFC"));
  const read = (found: string) => {
    // Somebody may have gone to another flow meanwhile.
    if (current()?.flowId === flow.id) addNode(reader, at, { settings: { path: found } });
  };
  const id = send(flow.workspace_id, path, file, (info) => {
    notifications.hide(noteOf(id));
    read(info.path);
  });
  const use = () => {
    cancel(id);
    read(path);
  };
  notifications.show({
    id: noteOf(id),
    message: <UploadNote id={id} onUse={use} />,
    autoClose: false,
    withCloseButton: false,
    role: "status",
  });
}

const noteOf = (id: number): string => `upload-${id}`;

/** An upload in the corner of the page. */
function UploadNote({ id, onUse }: { id: number; onUse: () => void }) {
  const { t } = useTranslation("files");
  const upload = useUploads((state) => state.items.find((item) => item.id === id));
  if (!upload) return <Gone id={id} />;
  return (
    <section aria-label={t("upload.title")}>
      <UploadLine upload={upload} onUse={onUse} />
    </section>
  );
}

/** Closes the note of an upload that was cancelled. */
function Gone({ id }: { id: number }) {
  useEffect(() => {
    notifications.hide(noteOf(id));
  }, [id]);
  return null;
}
