import { Portal } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { describeFailure, inOneLine } from "@/ui/errorText";
import { useFormats } from "@/ui/format";
import { useNodeLook } from "../nodes";
import { useRounds } from "../useRounds";
import type { Row } from "./rows";
import classes from "./Timeline.module.css";

interface HoverProps {
  row: Row;
  x: number;
  y: number;
  start: number;
  now: number;
}

const WIDTH = 260;

/** What a bar says when it is pointed at. */
export function Hover({ row, x, y, start, now }: HoverProps) {
  const { t, i18n } = useTranslation("runs");
  const formats = useFormats();
  const look = useNodeLook()(row.path);
  const rounds = useRounds();
  const { activation, from } = row;
  const facts: [string, string][] = [];
  if (from !== null) {
    const took = activation?.durationMs ?? (row.to ?? now) - from;
    facts.push([t("time.start"), formats.duration(from - start)]);
    facts.push([t("time.took"), formats.duration(took)]);
  }
  if (row.ready !== null && from !== null) {
    facts.push([t("time.queued"), formats.duration(from - row.ready)]);
  }
  const parked = (activation?.waits ?? []).reduce(
    (sum, wait) => sum + (wait.to ?? now) - wait.from,
    0,
  );
  if (parked > 0) facts.push([t("time.parked"), formats.duration(parked)]);
  if (activation && activation.attempts > 1) {
    facts.push([t("time.attempts"), formats.number(activation.attempts)]);
  }
  if (activation && activation.out > 0) {
    facts.push([t("time.records"), formats.number(activation.out)]);
  }
  const failure = activation?.failure;
  const left = Math.max(8, Math.min(x + 14, window.innerWidth - WIDTH - 12));
  return (
    <Portal>
      <div
        className={classes.hover}
        style={{ left, bottom: window.innerHeight - y + 12, width: WIDTH }}
        aria-hidden="true"
      >
        <b>
          {look.name}
          {row.round !== null && ` · ${rounds.row(row.path, row.round)}`}
        </b>
        <span data-state={row.state}>
          {activation?.restored ? t("time.restored") : t(`node.${row.state}`)}
        </span>
        <dl>
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
        {failure && <p>{inOneLine(describeFailure(failure, i18n.language))}</p>}
      </div>
    </Portal>
  );
}
