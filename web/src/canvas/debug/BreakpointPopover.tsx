import { Button, Popover, SegmentedControl, Switch } from "@mantine/core";
import { useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNodeName } from "@/editor/useNodeName";
import {
  breakpointOf,
  type NodeBreakpoint,
  PLAIN,
  setBreakpoint,
  useBreakpoints,
} from "@/flow/breakpoints";
import { portsOf } from "@/flow/infer";
import { useGraph } from "@/flow/store";
import { useSpecs } from "../hooks";
import { useCanvas } from "../state";
import { focusCanvas } from "../view";
import classes from "./BreakpointPopover.module.css";
import { ConditionField } from "./ConditionField";
import { keepCondition } from "./condition";
import { HitsField } from "./HitsField";

const WIDTH = 300;

/** When a run stops at a node: before or after it, from which time on, under which condition. */
export function BreakpointPopover() {
  const node = useCanvas((s) => s.breakpointOf);
  const known = useGraph((s) => node !== null && s.nodes[node] !== undefined);
  return node !== null && known ? <Window key={node} node={node} /> : null;
}

function close(): void {
  useCanvas.setState({ breakpointOf: null });
  focusCanvas();
}

/** Where the card is; it may have been folded away. */
function cornerOf(node: string): { left: number; top: number } {
  const card = document.querySelector(`.react-flow__node[data-id="${node}"]`);
  const box = card?.getBoundingClientRect();
  return { left: box?.left ?? window.innerWidth / 2, top: box?.top ?? 120 };
}

/** The ports of a node that a condition may name: inputs before it runs, outputs after. */
function usePorts(node: string, after: boolean): string[] {
  const specs = useSpecs((s) => s.specs);
  const known = useGraph((s) => s.nodes[node]);
  const edges = useGraph((s) => s.edges);
  return useMemo(() => {
    if (!known) return [];
    const { inputs, outputs } = portsOf(known, specs, edges);
    return (after ? outputs : inputs).map((port) => port.name);
  }, [known, specs, edges, after]);
}

function Window({ node }: { node: string }) {
  const { t } = useTranslation("editor");
  const name = useNodeName();
  const kept = useBreakpoints((s) => s.byNode[node]);
  const breakpoint = kept ?? PLAIN;
  const at = useMemo(() => cornerOf(node), [node]);
  const ports = usePorts(node, breakpoint.when === "after");
  const [condition, setCondition] = useState(breakpoint.condition);
  const field = useRef<HTMLDivElement>(null);
  const change = (part: Partial<NodeBreakpoint>) =>
    setBreakpoint(node, { ...(breakpointOf(node) ?? PLAIN), ...part });
  const done = async () => {
    if (await keepCondition(node, condition, ports)) {
      change({});
      close();
    } else field.current?.querySelector("textarea")?.focus();
  };
  return (
    <Popover
      opened
      onClose={close}
      onDismiss={close}
      width={WIDTH}
      position="bottom-start"
      offset={12}
      trapFocus
      returnFocus
      shadow="md"
    >
      <Popover.Target>
        <span style={{ position: "fixed", ...at }} />
      </Popover.Target>
      <Popover.Dropdown
        className={classes.window ?? ""}
        data-testid="breakpoint-popover"
        onKeyDown={(event) => {
          if (event.key === "Escape") close();
          event.stopPropagation();
        }}
      >
        <div className={classes.head}>
          <b>{t("breakpoint.title", { name: name(node) })}</b>
          <Switch
            size="xs"
            checked={breakpoint.enabled}
            onChange={(event) => change({ enabled: event.currentTarget.checked })}
            label={t("breakpoint.enabled")}
          />
        </div>
        <SegmentedControl
          size="xs"
          fullWidth
          value={breakpoint.when}
          onChange={(when) => change({ when: when as NodeBreakpoint["when"] })}
          data={[
            { value: "before", label: t("breakpoint.before") },
            { value: "after", label: t("breakpoint.after") },
          ]}
          aria-label={t("breakpoint.when")}
        />
        <div ref={field}>
          <ConditionField
            node={node}
            after={breakpoint.when === "after"}
            ports={ports}
            value={condition}
            onChange={(next) => {
              setCondition(next);
              void keepCondition(node, next, ports);
            }}
          />
        </div>
        <HitsField value={breakpoint.hits} onChange={(hits) => change({ hits })} />
        <div className={classes.foot}>
          <Button
            size="compact-sm"
            variant="subtle"
            color="red"
            disabled={kept === undefined}
            onClick={() => {
              setBreakpoint(node, null);
              close();
            }}
          >
            {t("breakpoint.delete")}
          </Button>
          <Button size="compact-sm" variant="filled" onClick={() => void done()}>
            {t("breakpoint.done")}
          </Button>
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
