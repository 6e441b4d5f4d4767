import { IconBrackets, IconPlus, IconRepeat, IconSwitch3, IconX } from "@tabler/icons-react";
import { useReactFlow } from "@xyflow/react";
import { useTranslation } from "react-i18next";
import { disconnect } from "@/flow/commands";
import type { How } from "@/flow/ports";
import type { Point } from "@/flow/types";
import { useFormats } from "@/ui/format";
import { useCanEdit } from "../hooks";
import { openQuickAdd, useCanvas } from "../state";
import classes from "./WireLabel.module.css";

interface WireLabelProps {
  edge: string;
  at: Point;
  count: number | null;
  how: How;
  active: boolean;
  faded: boolean;
}

const SIGNS: Partial<Record<How, typeof IconRepeat>> = {
  lift: IconRepeat,
  collect: IconBrackets,
  explode: IconSwitch3,
};

/** On the middle of an edge: what happens to the records, how many went, and two buttons. */
export function WireLabel({ edge, at, count, how, active, faded }: WireLabelProps) {
  const { t } = useTranslation("editor");
  const formats = useFormats();
  const canEdit = useCanEdit();
  const Sign = SIGNS[how];
  const shown =
    count === null ? "" : count < 100_000 ? formats.number(count) : formats.compact(count);
  const tip = Sign ? t(`how.${how as "lift" | "collect" | "explode"}`) : "";
  return (
    <div
      className={`nodrag nopan ${classes.label}`}
      data-faded={faded}
      style={{ transform: `translate(-50%, -50%) translate(${at.x}px, ${at.y}px)` }}
      onPointerEnter={() => useCanvas.setState({ hoveredEdge: edge })}
      onPointerLeave={() => useCanvas.setState({ hoveredEdge: null })}
    >
      {Sign && (
        <span className={classes.sign} title={tip} data-how={how}>
          <Sign size={11} stroke={2} aria-label={tip} />
        </span>
      )}
      {shown && (
        <span className={classes.count} title={t("edge.count", { count: count ?? 0 })}>
          {shown}
        </span>
      )}
      {active && canEdit && <Buttons edge={edge} at={at} />}
    </div>
  );
}

function Buttons({ edge, at }: { edge: string; at: Point }) {
  const { t } = useTranslation("editor");
  const { flowToScreenPosition } = useReactFlow();
  return (
    <span className={classes.buttons}>
      <button
        type="button"
        aria-label={t("edge.insert")}
        title={t("edge.insert")}
        onClick={() =>
          openQuickAdd({
            at: flowToScreenPosition(at),
            place: { x: at.x - 102, y: at.y - 29 },
            into: edge,
          })
        }
      >
        <IconPlus size={13} stroke={2} />
      </button>
      <button
        type="button"
        aria-label={t("edge.delete")}
        title={t("edge.delete")}
        onClick={() => disconnect([edge])}
      >
        <IconX size={13} stroke={2} />
      </button>
    </span>
  );
}
