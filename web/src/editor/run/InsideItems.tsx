import { Menu } from "@mantine/core";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { useNodeName } from "../useNodeName";
import { hindrance, run } from "./run";

interface InsideItemsProps {
  /** The id by which entries that are off are described by the reason. */
  id: string;
  node: string;
  container: string;
  icon?: ReactNode;
}

/** In menus: why a node in a container is not run by itself, and the container instead. */
export function InsideItems({ id, node, container, icon }: InsideItemsProps) {
  const { t } = useTranslation("editor");
  const named = useNodeName();
  const name = named(container);
  return (
    <>
      <Menu.Label id={id} data-testid="run-inside">
        {t("run.inside", { name: named(node), container: name })}
      </Menu.Label>
      <Menu.Item
        leftSection={icon}
        disabled={hindrance() === "viewer"}
        data-testid="run-container"
        onClick={() => void run({ fromNode: container })}
      >
        {t("run.fromNode", { name })}
      </Menu.Item>
    </>
  );
}
