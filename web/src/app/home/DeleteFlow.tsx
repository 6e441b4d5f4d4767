import { useState } from "react";
import { useTranslation } from "react-i18next";
import { deleteFlow, refreshFlows } from "@/api/flows";
import type { FlowInfo } from "@/api/types";
import { Confirm } from "@/ui/Confirm";
import { notify } from "@/ui/notify";
import { useErrorText } from "@/ui/useErrorText";

interface DeleteFlowProps {
  /** The flow that somebody wants to delete; null when nobody does. */
  flow: FlowInfo | null;
  onClose: () => void;
}

/** Asks before a flow is deleted: nothing brings it back. */
export function DeleteFlow({ flow, onClose }: DeleteFlowProps) {
  const { t } = useTranslation(["home", "common"]);
  const describe = useErrorText();
  // While the dialog fades out it still says the same.
  const [last, setLast] = useState(flow);
  if (flow !== null && flow !== last) setLast(flow);
  const name = last?.name ?? "";

  async function remove(): Promise<void> {
    if (!flow) return;
    try {
      await deleteFlow(flow.id);
      notify.info({ text: t("flow.deleted", { name }) });
    } catch (error) {
      notify.problem(describe(error));
    }
    await refreshFlows();
  }

  return (
    <Confirm
      opened={flow !== null}
      title={t("flow.delete_title", { name })}
      text={t("flow.delete_text")}
      action={t("action.delete", { ns: "common" })}
      onConfirm={remove}
      onClose={onClose}
    />
  );
}
