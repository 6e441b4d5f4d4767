import { Button, NumberInput, Popover, SegmentedControl, Switch } from "@mantine/core";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import type { NodeSpec } from "@/api/types";
import { useColumns } from "@/editor/inspector/useColumns";
import { useNodeName } from "@/editor/useNodeName";
import { type NodeBreakpoint, PLAIN, setBreakpoint, useBreakpoints } from "@/flow/breakpoints";
import { useGraph } from "@/flow/store";
import { FormContext } from "@/settings/context";
import { ExpressionControl } from "@/settings/controls/ExpressionControl";
import type { Shape } from "@/settings/schema";
import { useSpec } from "../hooks";
import { useCanvas } from "../state";
import { focusCanvas } from "../view";
import classes from "./BreakpointPopover.module.css";

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

function Window({ node }: { node: string }) {
  const { t } = useTranslation("editor");
  const name = useNodeName();
  const kept = useBreakpoints((s) => s.byNode[node]);
  const breakpoint = kept ?? PLAIN;
  const at = useMemo(() => cornerOf(node), [node]);
  const change = (part: Partial<NodeBreakpoint>) => setBreakpoint(node, { ...breakpoint, ...part });
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
        <Condition node={node} value={breakpoint.condition} onChange={change} />
        <NumberInput
          size="xs"
          label={t("breakpoint.hits")}
          min={1}
          max={1_000_000}
          value={breakpoint.hits}
          onChange={(hits) => change({ hits: Math.max(1, Math.floor(Number(hits) || 1)) })}
        />
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
          <Button
            size="compact-sm"
            variant="filled"
            onClick={() => {
              change({});
              close();
            }}
          >
            {t("breakpoint.done")}
          </Button>
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}

interface ConditionProps {
  node: string;
  value: string;
  onChange: (part: Partial<NodeBreakpoint>) => void;
}

/** The same field as in settings: columns are completed, what is known stands out. */
function Condition({ node, value, onChange }: ConditionProps) {
  const { t, i18n } = useTranslation("editor");
  const type = useGraph((s) => s.nodes[node]?.type ?? "");
  const spec = useSpec(type);
  const columns = useColumns(node);
  const language = i18n.language;
  const form = useMemo(
    () => ({
      spec: spec as NodeSpec,
      language,
      readOnly: false,
      columns,
      problems: [],
      texts: {},
      onFix: undefined,
    }),
    [spec, language, columns],
  );
  const shape = useMemo<Shape>(
    () => ({
      kind: "expression",
      nullable: false,
      schema: { type: "string", "x-placeholder": t("breakpoint.conditionHint") },
    }),
    [t],
  );
  return (
    <FormContext value={form}>
      <div className={classes.condition}>
        <span>{t("breakpoint.condition")}</span>
        <ExpressionControl
          path={["condition"]}
          shape={shape}
          value={value}
          onChange={(next) => onChange({ condition: typeof next === "string" ? next : "" })}
          label={t("breakpoint.condition")}
          compact
        />
      </div>
    </FormContext>
  );
}
