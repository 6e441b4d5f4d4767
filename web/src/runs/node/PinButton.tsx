import { ActionIcon, Tooltip } from "@mantine/core";
import { IconPinned, IconPinnedOff } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useCanEdit } from "@/canvas/hooks";
import { togglePin } from "@/editor/shortcuts/pinning";
import { useGraph } from "@/flow/store";
import { ownNode } from "../nodes";

/** Keeps what a node put out, so that it need not run; or lets it run again. */
export function PinButton({ path }: { path: string }) {
  const { t } = useTranslation("editor");
  const nodes = useGraph((s) => s.nodes);
  const canEdit = useCanEdit();
  const id = ownNode(nodes, path);
  const node = id === null ? undefined : nodes[id];
  if (!node || !canEdit) return null;
  const pinned = node.pinned != null;
  const label = t(pinned ? "menu.edit.unpin" : "menu.edit.pin");
  const Icon = pinned ? IconPinnedOff : IconPinned;
  return (
    <Tooltip label={label}>
      <ActionIcon
        size={26}
        aria-label={label}
        aria-pressed={pinned}
        data-testid="pin"
        onClick={() => void togglePin(node.id)}
      >
        <Icon size={15} stroke={1.6} />
      </ActionIcon>
    </Tooltip>
  );
}
