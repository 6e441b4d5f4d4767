import { IconPointFilled } from "@tabler/icons-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { showActivation, showStop, useStop } from "@/editor/run/debug";
import { useBreakpoints } from "@/flow/breakpoints";
import { useGraph } from "@/flow/store";
import { useFormats } from "@/ui/format";
import { useNodeLook } from "../nodes";
import { useRun } from "../store";
import type { Stop } from "../types";
import { useRounds } from "../useRounds";
import { CallStack } from "./CallStack";
import classes from "./Debug.module.css";
import { StopValues } from "./StopValues";

/** Where the run stands still: the stack, the values, the variables, and all breakpoints. */
export function DebugPane() {
  const { t } = useTranslation("runs");
  const stop = useStop();
  return (
    <div className={classes.pane} data-testid="debug-pane">
      <div className={classes.side}>
        <h2>{t("debug.stopped")}</h2>
        <Stops current={stop} />
        <h2>{t("debug.breakpoints")}</h2>
        <Breakpoints />
      </div>
      <div className={classes.middle}>
        {stop ? (
          <>
            <CallStack stop={stop} />
            <StopValues key={stop.at} stop={stop} />
          </>
        ) : (
          <p className={classes.none}>{t("debug.none")}</p>
        )}
      </div>
      <div className={classes.side}>
        <h2>{t("debug.variables")}</h2>
        <Variables />
      </div>
    </div>
  );
}

function Stops({ current }: { current: Stop | null }) {
  const { t } = useTranslation("runs");
  const look = useNodeLook();
  const rounds = useRounds();
  const stops = useRun((s) => s.stops);
  if (stops.length === 0) return <p className={classes.quiet}>{t("debug.nothing")}</p>;
  return (
    <ul className={classes.list}>
      {stops.map((stop) => (
        <li key={stop.at}>
          <button
            type="button"
            aria-current={stop.at === current?.at}
            onClick={() => showStop(stop)}
          >
            <span>{look(stop.node).name}</span>
            <i>{rounds.round(stop.node, stop.scope)}</i>
            <em>{t(stop.when === "after" ? "debug.after" : "debug.before")}</em>
          </button>
        </li>
      ))}
    </ul>
  );
}

interface Point {
  node: string;
  when: "before" | "after";
  condition: string;
  enabled: boolean;
}

/** The breakpoints of the run, or, before one, those on the canvas. */
function usePoints(): Point[] {
  const told = useRun((s) => s.breakpoints);
  const own = useBreakpoints((s) => s.byNode);
  return useMemo(() => {
    const list: Point[] = told
      .filter((point) => !point.once)
      .map(({ node, when = "before", condition, enabled = true }) => ({
        node,
        when,
        condition: condition ?? "",
        enabled,
      }));
    const known = new Set(list.map((point) => point.node.slice(point.node.lastIndexOf("/") + 1)));
    const more = Object.entries(own).filter(([node]) => !known.has(node));
    return [...list, ...more.map(([node, { hits: _, ...point }]) => ({ node, ...point }))];
  }, [told, own]);
}

function Breakpoints() {
  const { t } = useTranslation("runs");
  const look = useNodeLook();
  const hits = useRun((s) => s.hits);
  const points = usePoints();
  if (points.length === 0) return <p className={classes.quiet}>{t("debug.noBreakpoints")}</p>;
  return (
    <ul className={classes.list}>
      {points.map(({ node, when, condition, enabled }) => (
        <li key={`${node} ${when}`}>
          <button type="button" onClick={() => showActivation(node, "")}>
            <IconPointFilled
              size={13}
              className={classes.dot}
              opacity={enabled ? 1 : 0.35}
              aria-label={enabled ? undefined : t("debug.off")}
            />
            <span>
              {look(node).name}
              {condition && <code>{condition}</code>}
            </span>
            <em title={t("debug.hits")}>{hits[`${node} ${when}`] ?? ""}</em>
          </button>
        </li>
      ))}
    </ul>
  );
}

/** The flow's variables: what they began with, and who set them in this run. */
function Variables() {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  const look = useNodeLook();
  const declared = useGraph((s) => s.meta.variables);
  const events = useRun((s) => s.events);
  const set = useMemo(() => {
    const found = new Map<string, { node: string; at: string; times: number }>();
    for (const event of events) {
      if (event.type !== "variable_set") continue;
      const name = String(event.name ?? "");
      const times = (found.get(name)?.times ?? 0) + 1;
      found.set(name, { node: event.node ?? "", at: event.at, times });
    }
    return found;
  }, [events]);
  const names = [...new Set([...Object.keys(declared), ...set.keys()])];
  if (names.length === 0) return <p className={classes.quiet}>{t("debug.noVariables")}</p>;
  return (
    <dl className={classes.variables}>
      {names.map((name) => {
        const last = set.get(name);
        return (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              {last ? (
                <span title={formats.exact(last.at)}>
                  {t("debug.setBy", { name: look(last.node).name, count: last.times })}
                </span>
              ) : (
                <code>{JSON.stringify(declared[name] ?? null)}</code>
              )}
            </dd>
          </div>
        );
      })}
    </dl>
  );
}
