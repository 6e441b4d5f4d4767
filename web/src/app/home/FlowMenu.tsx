import { ActionIcon, Menu } from "@mantine/core";
import { IconCopy, IconDots, IconDownload, IconPencil, IconTrash } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import type { FlowInfo } from "@/api/types";
import type { FlowActions } from "./actions";

interface FlowMenuProps {
  flow: FlowInfo;
  actions: FlowActions;
  onRename: () => void;
  onDelete: () => void;
}

export function FlowMenu({ flow, actions, onRename, onDelete }: FlowMenuProps) {
  const { t } = useTranslation();
  const mayEdit = flow.role !== "viewer";
  return (
    <Menu position="bottom-end" width={184}>
      <Menu.Target>
        <ActionIcon aria-label={t("action.more")} data-testid="flow-menu">
          <IconDots size={17} stroke={1.6} />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        {mayEdit && (
          <Menu.Item leftSection={<IconPencil size={16} stroke={1.6} />} onClick={onRename}>
            {t("action.rename")}
          </Menu.Item>
        )}
        <Menu.Item
          leftSection={<IconCopy size={16} stroke={1.6} />}
          onClick={() => void actions.duplicate(flow)}
        >
          {t("action.duplicate")}
        </Menu.Item>
        <Menu.Item
          leftSection={<IconDownload size={16} stroke={1.6} />}
          onClick={() => void actions.exportFile(flow)}
        >
          {t("action.export")}
        </Menu.Item>
        {mayEdit && (
          <>
            <Menu.Divider />
            <Menu.Item
              color="red"
              leftSection={<IconTrash size={16} stroke={1.6} />}
              onClick={onDelete}
            >
              {t("action.delete")}
            </Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
