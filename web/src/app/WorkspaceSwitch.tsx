import { Button, Menu } from "@mantine/core";
import { IconCheck, IconPlus, IconSelector } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { chooseWorkspace, useSession, useWorkspace } from "@/api/session";
import { NewWorkspace } from "./NewWorkspace";
import classes from "./WorkspaceSwitch.module.css";

/** The workspace whose flows are shown, the others, and a way to a new one. */
export function WorkspaceSwitch() {
  const { t } = useTranslation();
  const { workspaces } = useSession();
  const current = useWorkspace();
  const [making, setMaking] = useState(false);
  return (
    <>
      <Menu position="bottom-start" width={250}>
        <Menu.Target>
          <Button
            variant="subtle"
            color="gray"
            className={classes.target ?? ""}
            rightSection={<IconSelector size={14} stroke={1.6} />}
            aria-label={`${t("workspace.switch")}: ${current?.name ?? ""}`}
            data-testid="workspace-switch"
          >
            <span className={classes.name}>{current?.name}</span>
          </Button>
        </Menu.Target>
        <Menu.Dropdown>
          <div className={classes.list}>
            {workspaces.map((workspace) => (
              <Menu.Item
                key={workspace.id}
                role="menuitemradio"
                aria-checked={workspace.id === current?.id}
                rightSection={workspace.id === current?.id ? <IconCheck size={14} /> : null}
                onClick={() => chooseWorkspace(workspace.id)}
              >
                <span className={classes.name}>{workspace.name}</span>
                <span className={classes.role}>{t(`role.${workspace.role}`)}</span>
              </Menu.Item>
            ))}
          </div>
          <Menu.Divider />
          <Menu.Item
            leftSection={<IconPlus size={16} stroke={1.6} />}
            onClick={() => setMaking(true)}
            data-testid="new-workspace"
          >
            {t("workspace.new")}
          </Menu.Item>
        </Menu.Dropdown>
      </Menu>
      <NewWorkspace opened={making} onClose={() => setMaking(false)} />
    </>
  );
}
