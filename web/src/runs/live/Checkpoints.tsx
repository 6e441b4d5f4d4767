import { useTranslation } from "react-i18next";
import type { CheckpointInfo, RunCheckpoints } from "@/api/types";
import { useFormats } from "@/ui/format";
import { When } from "@/ui/When";
import classes from "./Live.module.css";
import { useCheckpoints } from "./useLive";

const SHOWN = 5;
const RESTARTS_SHOWN = 5;

/** The checkpoints of a live run, what kept it from making one, and how often it began again. */
export function Checkpoints() {
  const { t } = useTranslation("runs");
  const known = useCheckpoints();
  if (!known) return null;
  const [last] = known.items;
  return (
    <section className={classes.box} data-testid="live-checkpoints">
      <h3>{t("live.checkpoints")}</h3>
      {last ? (
        <Last checkpoint={last} />
      ) : (
        <p className={classes.quiet}>{t("live.noCheckpoint")}</p>
      )}
      <Trouble known={known} />
      {known.items.length > 0 && <List items={known.items.slice(0, SHOWN)} />}
    </section>
  );
}

function Last({ checkpoint }: { checkpoint: CheckpointInfo }) {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  const stood = checkpoint.pause_ms;
  return (
    <p className={classes.quiet} title={formats.exact(checkpoint.at)}>
      {t("live.last", {
        ago: formats.relative(checkpoint.at),
        size: formats.bytes(checkpoint.bytes),
        took: formats.duration(checkpoint.duration_ms),
      })}
      {stood != null && ` · ${t("live.paused", { time: formats.duration(stood) })}`}
    </p>
  );
}

/** The last checkpoint that failed, where none was made since, and the restarts. */
function Trouble({ known }: { known: RunCheckpoints }) {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  const [failed] = known.failures;
  const since = known.items[0]?.at ?? "";
  const count = known.restarts.length;
  return (
    <>
      {failed && (
        <p
          className={classes.trouble}
          data-now={failed.at > since}
          data-testid="live-no-checkpoint"
        >
          {t("live.couldNot", { ago: formats.relative(failed.at), message: failed.message })}
        </p>
      )}
      {count > 0 && (
        <details className={classes.restarts} data-testid="live-restarts">
          <summary>{t("live.restarts", { count, shown: formats.number(count) })}</summary>
          <ol>
            {known.restarts.slice(0, RESTARTS_SHOWN).map((again) => (
              <li key={`${again.at} ${again.attempt}`}>
                <When time={again.at} />{" "}
                {t("live.attempt", {
                  number: formats.number(again.attempt),
                  wait: formats.duration(again.delay_s * 1000),
                })}
                <em>{String(again.failure?.message ?? "")}</em>
              </li>
            ))}
          </ol>
        </details>
      )}
    </>
  );
}

function List({ items }: { items: readonly CheckpointInfo[] }) {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  return (
    <table className={classes.table}>
      <thead>
        <tr>
          <th scope="col">{t("live.at")}</th>
          <th scope="col">{t("live.size")}</th>
          <th scope="col">{t("live.took")}</th>
          <th scope="col">{t("live.stood")}</th>
        </tr>
      </thead>
      <tbody>
        {items.map((each) => (
          <tr key={`${each.id} ${each.at}`}>
            <th scope="row">
              {formats.clock(Date.parse(each.at))}
              {each.kind === "savepoint" && ` · ${t("live.savepoint")}`}
            </th>
            <td>{formats.bytes(each.bytes)}</td>
            <td>{formats.duration(each.duration_ms)}</td>
            <td>{each.pause_ms == null ? "–" : formats.duration(each.pause_ms)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
