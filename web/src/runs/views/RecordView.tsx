import { CloseButton } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { JsonObject } from "@/api/types";
import { JsonTree } from "./JsonTree";
import classes from "./Table.module.css";

interface RecordViewProps {
  record: JsonObject;
  number: number;
  onClose: () => void;
}

/** One record in full, beside the table. */
export function RecordView({ record, number, onClose }: RecordViewProps) {
  const { t } = useTranslation(["runs", "common"]);
  return (
    <aside className={classes.record}>
      <header>
        <b>{t("record.title", { number })}</b>
        <CloseButton
          size={22}
          iconSize={14}
          aria-label={t("action.close", { ns: "common" })}
          onClick={onClose}
        />
      </header>
      <JsonTree value={record} openTo={2} />
    </aside>
  );
}
