import { Menu, NumberInput, SegmentedControl } from "@mantine/core";
import {
  IconBug,
  IconChevronDown,
  IconDelta,
  IconPlayerPlayFilled,
  IconPlayerSkipForward,
  IconPlayerTrackNext,
  IconPointFilled,
  IconSquareDot,
} from "@tabler/icons-react";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import type { Environment } from "@/api/types";
import { useBreakpoints } from "@/flow/breakpoints";
import { useGraph } from "@/flow/store";
import { InsideItems } from "../run/InsideItems";
import { useOutermostAround } from "../run/inside";
import { ENVIRONMENTS, MOST_PARALLEL, useRunOptions } from "../run/options";
import { run, type Wanted } from "../run/run";
import { capsText } from "../shortcuts/keys";
import { useNodeName } from "../useNodeName";
import classes from "./RunButton.module.css";

/** Every way to run: a part of the flow, step by step, somewhere else. */
export function RunMenu({ disabled }: { disabled: boolean }) {
  const { t } = useTranslation("editor");
  return (
    <Menu position="bottom-end" width={304} closeOnItemClick>
      <Menu.Target>
        <button
          type="button"
          className={classes.more}
          disabled={disabled}
          aria-label={t("run.more")}
          data-testid="run-menu"
        >
          <IconChevronDown size={14} stroke={2} />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Way icon={<IconPlayerPlayFilled size={14} />} keys="mod+enter" wanted={{}}>
          {t("command.run.start")}
        </Way>
        <Way icon={<IconDelta size={15} stroke={1.7} />} wanted={{ onlyChanged: true }}>
          {t("command.run.changed")}
        </Way>
        <Part />
        <Menu.Divider />
        <Way icon={<IconBug size={15} stroke={1.7} />} wanted={{ stopAtOnce: true }} testid="debug">
          {t("command.run.debug")}
        </Way>
        <WithoutBreakpoints />
        <Menu.Divider />
        <Where />
      </Menu.Dropdown>
    </Menu>
  );
}

interface WayProps {
  icon: ReactNode;
  keys?: string;
  wanted: Wanted;
  disabled?: boolean;
  /** What says why it is off, by its id. */
  why?: string | undefined;
  testid?: string;
  children: ReactNode;
}

function Way({ icon, keys, wanted, disabled = false, why, testid, children }: WayProps) {
  return (
    <Menu.Item
      leftSection={icon}
      rightSection={keys && <kbd className={classes.keys}>{capsText(keys)}</kbd>}
      disabled={disabled}
      aria-describedby={why}
      data-testid={testid && `run-${testid}`}
      onClick={() => void run(wanted)}
    >
      {children}
    </Menu.Item>
  );
}

const WHY = "run-menu-inside";

/** From the selected node, up to it, or it alone. */
function Part() {
  const { t } = useTranslation("editor");
  const node = useGraph((s) => (s.selection.length === 1 ? (s.selection[0] ?? "") : ""));
  const isNode = useGraph((s) => s.nodes[node] !== undefined);
  const named = useNodeName();
  const name = named(node);
  const inside = useOutermostAround();
  const way = { disabled: !isNode || inside !== null, why: inside ? WHY : undefined };
  return (
    <>
      <Way
        icon={<IconPlayerTrackNext size={15} stroke={1.7} />}
        keys="shift+enter"
        {...way}
        wanted={{ fromNode: node }}
      >
        {isNode ? t("run.fromNode", { name }) : t("command.run.from")}
      </Way>
      <Way
        icon={<IconPlayerSkipForward size={15} stroke={1.7} />}
        keys="alt+enter"
        {...way}
        wanted={{ toNode: node }}
      >
        {isNode ? t("run.toNode", { name }) : t("command.run.to")}
      </Way>
      <Way
        icon={<IconSquareDot size={15} stroke={1.7} />}
        {...way}
        wanted={{ fromNode: node, toNode: node }}
        testid="only"
      >
        {isNode ? t("run.onlyNode", { name }) : t("command.run.only")}
      </Way>
      {inside && (
        <InsideItems id={WHY} {...inside} icon={<IconPlayerTrackNext size={15} stroke={1.7} />} />
      )}
      {!isNode && <Menu.Label>{t("run.selectFirst")}</Menu.Label>}
    </>
  );
}

function WithoutBreakpoints() {
  const { t } = useTranslation("editor");
  const some = useBreakpoints((s) => Object.values(s.byNode).some((point) => point.enabled));
  if (!some) return null;
  return (
    <Way
      icon={<IconPointFilled size={15} opacity={0.4} />}
      wanted={{ ignoreBreakpoints: true }}
      testid="without"
    >
      {t("command.run.without")}
    </Way>
  );
}

const AS_THE_FLOW_SAYS = "flow";

/** Where the work is done, and how much of it at once. */
function Where() {
  const { t } = useTranslation("editor");
  const { env, parallelism } = useRunOptions();
  return (
    <div className={classes.where}>
      <span id="run-env" className={classes.wide}>
        {t("run.env")}
      </span>
      <SegmentedControl
        size="xs"
        fullWidth
        className={classes.wide}
        aria-labelledby="run-env"
        data-testid="run-env"
        data={[
          { value: AS_THE_FLOW_SAYS, label: t("run.env.flow") },
          ...ENVIRONMENTS.map((value) => ({ value, label: t(`run.env.${value}`) })),
        ]}
        value={env ?? AS_THE_FLOW_SAYS}
        onChange={(value) =>
          useRunOptions.setState({
            env: value === AS_THE_FLOW_SAYS ? null : (value as Environment),
          })
        }
      />
      <label htmlFor="run-parallelism">{t("run.parallelism")}</label>
      <NumberInput
        id="run-parallelism"
        size="xs"
        min={1}
        max={MOST_PARALLEL}
        allowDecimal={false}
        placeholder={t("run.automatic")}
        value={parallelism ?? ""}
        onKeyDown={(event) => event.stopPropagation()}
        onChange={(value) =>
          useRunOptions.setState({ parallelism: typeof value === "number" ? value : null })
        }
      />
    </div>
  );
}
