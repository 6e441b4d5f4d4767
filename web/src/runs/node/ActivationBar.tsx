import {
  IconAlertCircle,
  IconChevronLeft,
  IconChevronRight,
  IconPencil,
} from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useGraph } from "@/flow/store";
import { useFormats } from "@/ui/format";
import { type Activation, activations, type Edits, useActivations } from "../activations";
import { useTicking } from "../clock";
import { ownNode } from "../nodes";
import { nameIn } from "../scopes";
import { type ShownActivation, useShown } from "../shown";
import { useRounds } from "../useRounds";
import classes from "./Activation.module.css";

/** Of a node that ran many times: which of its rounds is shown, and how that one went. */
export function ActivationBar({ shown }: { shown: ShownActivation }) {
  useActivations((s) => s.version);
  const nodes = useGraph((s) => s.nodes);
  const list = activations.of(shown.path);
  const { scope } = shown;
  const current = scope === null ? list.at(-1) : activations.get(shown.path, scope);
  const called = ownNode(nodes, shown.path) === null;
  const plain = !called && list.length < 2 && (scope ?? "") === "";
  const edits = activations.editsOf(shown.path, current?.scope ?? scope ?? "");
  if (plain && !edits && (current === undefined || current.attempts < 2)) return null;
  return (
    <div className={classes.bar} data-testid="activation-bar" data-scope={current?.scope ?? scope}>
      {called && <b>{nameIn(shown.path)}</b>}
      {list.length > 1 && <Picker list={list} current={current} />}
      {current ? <Facts activation={current} /> : <Coming path={shown.path} scope={scope ?? ""} />}
      {edits && <Edited edits={edits} />}
    </div>
  );
}

/** A round that stands still before it begins. */
function Coming({ path, scope }: { path: string; scope: string }) {
  const { t } = useTranslation("runs");
  const place = useRounds().place(path, scope);
  return (
    <p className={classes.facts}>
      {place && <span title={scope}>{place}</span>}
      <span data-state="paused">{t("node.paused")}</span>
    </p>
  );
}

/** That what went in, or came out, is not what the flow itself made. */
function Edited({ edits }: { edits: Edits }) {
  const { t } = useTranslation("runs");
  const ports = (names: readonly string[]) => ({ ports: names.join(", ") });
  return (
    <p className={classes.edited} data-testid="activation-edited">
      <IconPencil size={13} stroke={1.8} aria-hidden />
      {edits.before.length > 0 && <span>{t("round.editedBefore", ports(edits.before))}</span>}
      {edits.after.length > 0 && <span>{t("round.editedAfter", ports(edits.after))}</span>}
    </p>
  );
}

const show = (each: Activation | undefined): void => {
  if (each) useShown.setState({ node: each.node, scope: each.scope });
};

interface PickerProps {
  list: readonly Activation[];
  current: Activation | undefined;
}

function Picker({ list, current }: PickerProps) {
  const { t } = useTranslation("runs");
  const index = current ? list.indexOf(current) : list.length;
  const [typed, setTyped] = useState<string | null>(null);
  const failed = list.findIndex((each, at) => at > index && each.state === "failed");
  const again = failed >= 0 ? failed : list.findIndex((each) => each.state === "failed");
  const go = (text: string) => {
    const wanted = Math.round(Number(text));
    if (text !== "" && Number.isFinite(wanted)) {
      show(list[Math.min(list.length, Math.max(1, wanted)) - 1]);
    }
    setTyped(null);
  };
  return (
    <div className={classes.picker}>
      <button
        type="button"
        aria-label={t("round.previous")}
        title={t("round.previous")}
        disabled={index <= 0}
        data-testid="round-previous"
        onClick={() => show(list[index - 1])}
      >
        <IconChevronLeft size={14} stroke={2} />
      </button>
      <input
        aria-label={t("round.pick")}
        inputMode="numeric"
        size={String(list.length).length}
        value={typed ?? String(index + 1)}
        onFocus={(event) => event.currentTarget.select()}
        onChange={(event) => setTyped(event.currentTarget.value)}
        onBlur={(event) => go(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === "Enter") go(event.currentTarget.value);
          if (event.key === "Escape") setTyped(null);
        }}
      />
      <span>/ {list.length}</span>
      <button
        type="button"
        aria-label={t("round.next")}
        title={t("round.next")}
        disabled={index >= list.length - 1}
        data-testid="round-next"
        onClick={() => show(list[index + 1])}
      >
        <IconChevronRight size={14} stroke={2} />
      </button>
      {again >= 0 && again !== index && (
        <button
          type="button"
          className={classes.failed}
          aria-label={t("round.failed")}
          title={t("round.failed")}
          onClick={() => show(list[again])}
        >
          <IconAlertCircle size={14} stroke={1.8} />
        </button>
      )}
    </div>
  );
}

/** Where in the loops it stands, its state, its time and its attempts. */
function Facts({ activation }: { activation: Activation }) {
  const { t } = useTranslation("runs");
  const formats = useFormats();
  const place = useRounds().place(activation.node, activation.scope);
  const { scope, state, startedAt, endedAt, durationMs, attempts } = activation;
  const now = useTicking(state === "running");
  const took = durationMs ?? (startedAt === null ? null : (endedAt ?? now) - startedAt);
  return (
    <p className={classes.facts}>
      {place && <span title={scope}>{place}</span>}
      <span data-state={state}>{t(`node.${state}`)}</span>
      {took !== null && <span>{formats.duration(took)}</span>}
      {attempts > 1 && <span>{t("run.attempts", { count: attempts })}</span>}
    </p>
  );
}
