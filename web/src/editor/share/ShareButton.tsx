import { Button, Modal } from "@mantine/core";
import { IconShare2 } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { FlowInfo } from "@/api/types";
import { useGraph } from "@/flow/store";
import classes from "./Share.module.css";
import { ShareDialog } from "./ShareDialog";

/** Opens the window that says who can open this flow. */
export function ShareButton({ flow }: { flow: FlowInfo }) {
  const { t } = useTranslation("editor");
  const [opened, setOpened] = useState(false);
  const name = useGraph((s) => s.meta.name) || flow.name;
  return (
    <>
      <Button
        leftSection={<IconShare2 size={15} stroke={1.7} />}
        className={classes.button ?? ""}
        title={t("top.shareTip")}
        data-testid="share-button"
        onClick={() => setOpened(true)}
      >
        {t("top.share")}
      </Button>
      <Modal
        opened={opened}
        onClose={() => setOpened(false)}
        title={t("share.title", { name })}
        size={480}
        closeButtonProps={{ "aria-label": t("panel.close") }}
      >
        <ShareDialog flow={flow} />
      </Modal>
    </>
  );
}
