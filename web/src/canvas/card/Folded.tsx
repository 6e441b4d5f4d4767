import { IconChevronRight } from "@tabler/icons-react";
import { Handle, Position } from "@xyflow/react";
import { useTranslation } from "react-i18next";
import { setFolded } from "@/flow/folded";
import { FOLDED_IN, FOLDED_OUT } from "../container/shape";
import classes from "./Folded.module.css";

interface FoldedProps {
  id: string;
  count: number;
  name: string;
}

/** On the card of a folded container: how many nodes lie in it; a click opens it. */
export function Folded({ id, count, name }: FoldedProps) {
  const { t } = useTranslation("editor");
  return (
    <>
      <button
        type="button"
        className={`nodrag ${classes.open}`}
        aria-expanded={false}
        aria-label={t("container.unfold", { name })}
        title={t("container.unfold", { name })}
        data-testid="container-unfold"
        onClick={(event) => {
          event.stopPropagation();
          setFolded([id], false);
        }}
      >
        <IconChevronRight size={12} stroke={2.2} />
        {t("container.count", { count })}
      </button>
      <Handle
        type="target"
        id={FOLDED_IN}
        position={Position.Left}
        className={classes.end}
        isConnectable={false}
        aria-hidden
      />
      <Handle
        type="source"
        id={FOLDED_OUT}
        position={Position.Right}
        className={classes.end}
        isConnectable={false}
        aria-hidden
      />
    </>
  );
}
