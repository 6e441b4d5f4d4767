import { NumberInput, SegmentedControl, Switch, Textarea } from "@mantine/core";
import { IconChevronRight } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { useCanEdit } from "@/canvas/hooks";
import { setField } from "@/flow/commands";
import { RESOURCES, RETRY } from "@/flow/fields";
import type { FlowNode, OnError, Resources, Retry } from "@/flow/types";
import classes from "./Inspector.module.css";

const WAYS: OnError[] = ["fail", "skip", "continue", "route"];

/** What happens when the node fails, how long it may take, and what people should know of it. */
export function Policies({ node }: { node: FlowNode }) {
  const { t } = useTranslation("editor");
  const canEdit = useCanEdit();
  const changed = [
    node.on_error,
    node.retry,
    node.timeout_s,
    node.resources,
    node.notes,
    node.disabled,
  ].filter((value) => value !== undefined).length;
  return (
    <details className={classes.fold} data-testid="policies">
      <summary>
        <IconChevronRight size={14} stroke={1.8} aria-hidden />
        {t("policy.title")}
        {changed > 0 && <em>{t("policy.changed", { count: changed })}</em>}
      </summary>
      <div className={classes.fields}>
        <div className={classes.field}>
          <span id="policy-on-error">{t("policy.onError")}</span>
          <SegmentedControl
            fullWidth
            aria-labelledby="policy-on-error"
            readOnly={!canEdit}
            value={node.on_error ?? "fail"}
            onChange={(way) => setField(node.id, "on_error", way === "fail" ? undefined : way)}
            data={WAYS.map((value) => ({ value, label: t(`policy.onError.${value}`) }))}
          />
          <p>{t(`policy.onError.${node.on_error ?? "fail"}.text`)}</p>
        </div>
        <RetryFields node={node} canEdit={canEdit} />
        <div className={classes.field}>
          <span id="policy-timeout">
            {t("policy.timeout")} <small>{t("policy.seconds")}</small>
          </span>
          <NumberInput
            aria-labelledby="policy-timeout"
            readOnly={!canEdit}
            value={node.timeout_s ?? ""}
            placeholder={t("policy.noTimeout")}
            min={0}
            max={604_800}
            allowNegative={false}
            onChange={(value) =>
              setField(node.id, "timeout_s", Number(value) > 0 ? Number(value) : undefined)
            }
          />
        </div>
        <ResourceFields node={node} canEdit={canEdit} />
        <Switch
          label={t("policy.disabled")}
          checked={node.disabled === true}
          disabled={!canEdit}
          onChange={(event) => setField(node.id, "disabled", event.currentTarget.checked)}
        />
        <Textarea
          label={t("policy.notes")}
          placeholder={t("policy.notesHint")}
          readOnly={!canEdit}
          autosize
          minRows={2}
          maxRows={10}
          value={node.notes ?? ""}
          onChange={(event) => setField(node.id, "notes", event.currentTarget.value)}
        />
      </div>
    </details>
  );
}

const LIMITS: { key: keyof Retry; least: number; most: number }[] = [
  { key: "max_attempts", least: 1, most: 100 },
  { key: "delay_s", least: 0, most: 3600 },
  { key: "backoff", least: 1, most: 10 },
  { key: "max_delay_s", least: 0, most: 86_400 },
];

function RetryFields({ node, canEdit }: { node: FlowNode; canEdit: boolean }) {
  const { t } = useTranslation("editor");
  const retry = node.retry;
  return (
    <>
      <Switch
        label={t("policy.retry")}
        checked={retry !== undefined}
        disabled={!canEdit}
        onChange={(event) =>
          setField(node.id, "retry", event.currentTarget.checked ? RETRY : undefined)
        }
      />
      {retry && (
        <div className={classes.pair}>
          {LIMITS.map(({ key, least, most }) => (
            <NumberInput
              key={key}
              label={t(`policy.retry.${key}`)}
              readOnly={!canEdit}
              value={retry[key]}
              min={least}
              max={most}
              allowDecimal={key !== "max_attempts"}
              clampBehavior="strict"
              onChange={(value) => {
                if (value !== "") setField(node.id, "retry", { ...retry, [key]: Number(value) });
              }}
            />
          ))}
        </div>
      )}
    </>
  );
}

const ROOM: { key: keyof Resources; least: number; most: number }[] = [
  { key: "cpu", least: 0.01, most: 1024 },
  { key: "gpu", least: 0, most: 64 },
  { key: "memory_mb", least: 1, most: 16_777_216 },
];

function ResourceFields({ node, canEdit }: { node: FlowNode; canEdit: boolean }) {
  const { t } = useTranslation("editor");
  const resources = node.resources;
  return (
    <>
      <Switch
        label={t("policy.resources")}
        description={t("policy.resources.text")}
        checked={resources !== undefined}
        disabled={!canEdit}
        onChange={(event) =>
          setField(node.id, "resources", event.currentTarget.checked ? RESOURCES : undefined)
        }
      />
      {resources && (
        <div className={classes.pair}>
          {ROOM.map(({ key, least, most }) => (
            <NumberInput
              key={key}
              label={t(`policy.resources.${key}`)}
              readOnly={!canEdit}
              value={resources[key] ?? ""}
              min={least}
              max={most}
              allowDecimal={key !== "memory_mb"}
              clampBehavior="strict"
              onChange={(value) => {
                const { [key]: _, ...others } = resources;
                if (value !== "") {
                  setField(node.id, "resources", { ...resources, [key]: Number(value) });
                } else if (key === "memory_mb") {
                  setField(node.id, "resources", others);
                }
              }}
            />
          ))}
        </div>
      )}
    </>
  );
}
