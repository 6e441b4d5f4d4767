import { useTranslation } from "react-i18next";
import { useSpecs } from "@/canvas/hooks";
import { jumpTo } from "@/canvas/view";
import { localeOf } from "@/i18n";
import { useFormats } from "@/ui/format";
import { CategoryTile } from "@/ui/NodeIcon";
import { useNodeName } from "../useNodeName";
import { summary } from "./summary";
import classes from "./Triggers.module.css";
import type { TriggerInfo } from "./triggers";
import { Webhook } from "./Webhook";

/** One trigger: what it waits for, when it fires next, how it is called. */
export function TriggerCard({ trigger, flowId }: { trigger: TriggerInfo; flowId: string }) {
  const { t } = useTranslation("triggers");
  const name = useNodeName();
  const spec = useSpecs((s) => s.specs.get(trigger.type));
  const line = summary(trigger, t);
  const look = trigger.active ? (trigger.in_flow ? "on" : "gone") : "off";
  return (
    <li className={classes.card} data-testid="trigger" data-node={trigger.node} data-look={look}>
      <button
        type="button"
        className={classes.head}
        disabled={!trigger.in_flow}
        onClick={() => jumpTo(trigger.node)}
      >
        {spec && <CategoryTile name={spec.icon} category={spec.category} />}
        <span className={classes.words}>
          <b>{name(trigger.node)}</b>
          {line && <span title={line}>{line}</span>}
        </span>
        {look !== "on" && <em data-look={look}>{t(`trigger.${look}`)}</em>}
      </button>
      {trigger.trouble && <Trouble code={trigger.trouble} />}
      {trigger.waiting > 0 && (
        <p className={classes.note}>{t("waiting", { count: trigger.waiting })}</p>
      )}
      <NextTimes trigger={trigger} />
      {trigger.type === "trigger.webhook" && <Webhook trigger={trigger} flowId={flowId} />}
    </li>
  );
}

function Trouble({ code }: { code: string }) {
  const { t } = useTranslation("triggers");
  return <p className={classes.trouble}>{t(`reason.${code}`, { defaultValue: code })}</p>;
}

const SHOWN = 3;

/** The next few times, as the clocks of the schedule's zone show them. */
function NextTimes({ trigger }: { trigger: TriggerInfo }) {
  const { t, i18n } = useTranslation("triggers");
  const formats = useFormats();
  const times = trigger.next_times ?? [];
  if (times.length === 0) return null;
  const inZone = new Intl.DateTimeFormat(localeOf(i18n.language), {
    dateStyle: "medium",
    timeStyle: "short",
    timeZone: String(trigger.settings?.timezone ?? "UTC"),
  });
  return (
    <div className={classes.times}>
      <span>{t(trigger.active ? "next" : "wouldBe")}</span>
      <ol>
        {times.slice(0, SHOWN).map((time) => (
          <li key={time}>
            <time dateTime={time} title={t("yourTime", { time: formats.exact(time) })}>
              {inZone.format(new Date(time))}
            </time>
          </li>
        ))}
      </ol>
    </div>
  );
}
