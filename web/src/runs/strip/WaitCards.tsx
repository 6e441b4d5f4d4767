import { Button, TextInput } from "@mantine/core";
import { IconBolt, IconClockPause, IconUserCheck } from "@tabler/icons-react";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Json } from "@/api/types";
import { showActivation } from "@/editor/run/debug";
import { useSession } from "@/flow/store";
import { useFormats } from "@/ui/format";
import { notify } from "@/ui/notify";
import { useErrorText } from "@/ui/useErrorText";
import { useTicking } from "../clock";
import { answer } from "../control";
import { parsed } from "../debug/json";
import { useNodeLook } from "../nodes";
import { useRun } from "../store";
import type { Wait } from "../types";
import { useRounds } from "../useRounds";
import { JsonTree } from "../views/JsonTree";
import classes from "./RunStrip.module.css";

const SHOWN = 3;
const ICONS = { approval: IconUserCheck, signal: IconBolt, timer: IconClockPause };
const ORDER = { approval: 0, signal: 1, timer: 2 };

/** What the run waits for; questions are answered right here. */
export function WaitCards() {
  const { t } = useTranslation("runs");
  const waits = useRun((s) => s.waits);
  const [all, setAll] = useState(false);
  if (waits.length === 0) return null;
  const sorted = [...waits].sort((a, b) => ORDER[a.kind] - ORDER[b.kind]);
  const shown = all ? sorted : sorted.slice(0, SHOWN);
  const rest = sorted.length - shown.length;
  return (
    <div data-testid="run-waits">
      {shown.map((wait) => (
        <WaitCard key={`${wait.node}@${wait.scope}`} wait={wait} />
      ))}
      {rest > 0 && (
        <div className={classes.more}>
          <Button size="compact-xs" variant="subtle" onClick={() => setAll(true)}>
            {t("wait.more", { count: rest })}
          </Button>
        </div>
      )}
    </div>
  );
}

function WaitCard({ wait }: { wait: Wait }) {
  const { t } = useTranslation("runs");
  const Icon = ICONS[wait.kind];
  const question = wait.message || t(`wait.${wait.kind}`, { signal: wait.signal ?? "" });
  return (
    <section
      className={classes.wait}
      aria-label={question}
      data-testid="wait-card"
      data-kind={wait.kind}
      data-node-id={wait.node}
    >
      <Icon size={17} stroke={1.7} className={classes.waitSign} aria-hidden />
      <div>
        <p className={classes.question}>{question}</p>
        <About wait={wait} />
        <Given data={wait.data} />
      </div>
      {wait.kind === "approval" && <Approve wait={wait} />}
      {wait.kind === "signal" && <Signal wait={wait} />}
    </section>
  );
}

/** Who asks, in which round, and until when. */
function About({ wait }: { wait: Wait }) {
  const { t } = useTranslation("runs");
  const look = useNodeLook();
  const formats = useFormats();
  const now = useTicking(wait.due !== null, 1000);
  const round = useRounds().round(wait.node, wait.scope);
  const who = asked(wait.data);
  return (
    <p className={classes.about}>
      <button type="button" onClick={() => showActivation(wait.node, wait.scope)}>
        {look(wait.node).name}
        {round && ` · ${round}`}
      </button>
      {wait.signal !== null && wait.kind === "signal" && (
        <>
          {" · "}
          <code>{wait.signal}</code>
        </>
      )}
      {wait.due !== null && (
        <>
          {" · "}
          <span title={formats.exact(wait.due)}>
            {wait.due > now
              ? t("wait.until", { left: formats.duration(wait.due - now) })
              : t("wait.due")}
          </span>
        </>
      )}
      {who.length > 0 && ` · ${t("wait.who", { names: who.join(", ") })}`}
    </p>
  );
}

type Shown = { item?: Json; who?: Json };

const isShown = (data: Json): data is Shown & { [key: string]: Json } =>
  typeof data === "object" && data !== null && !Array.isArray(data);

function asked(data: Json): string[] {
  const who = isShown(data) ? data.who : undefined;
  return Array.isArray(who) ? who.map(String) : [];
}

function Given({ data }: { data: Json }) {
  const value = isShown(data) && "item" in data ? (data.item ?? null) : data;
  if (value === null || value === undefined) return null;
  return (
    <div className={classes.given}>
      <JsonTree value={value} />
    </div>
  );
}

function useAnswer(wait: Wait): { busy: boolean; send: (payload: Json) => void } {
  const { t } = useTranslation("runs");
  const describe = useErrorText();
  const [busy, setBusy] = useState(false);
  async function send(payload: Json): Promise<void> {
    setBusy(true);
    try {
      if (!(await answer(wait, payload))) notify.info({ text: t("wait.taken") });
    } catch (error) {
      notify.problem(describe(error));
    }
    setBusy(false);
  }
  return { busy, send: (payload) => void send(payload) };
}

function Approve({ wait }: { wait: Wait }) {
  const { t } = useTranslation("runs");
  const viewer = useSession((s) => s.role === "viewer");
  const { busy, send } = useAnswer(wait);
  const [comment, setComment] = useState("");
  return (
    <form className={classes.answer} onSubmit={(event) => event.preventDefault()}>
      <TextInput
        className={classes.comment ?? ""}
        size="xs"
        aria-label={t("wait.comment")}
        placeholder={t("wait.comment")}
        maxLength={2000}
        value={comment}
        disabled={viewer}
        onChange={(event) => setComment(event.currentTarget.value)}
      />
      <Button
        size="xs"
        disabled={viewer || busy}
        data-testid="reject"
        onClick={() => send({ approved: false, comment })}
      >
        {t("wait.reject")}
      </Button>
      <Button
        size="xs"
        variant="filled"
        disabled={viewer || busy}
        data-testid="approve"
        onClick={() => send({ approved: true, comment })}
      >
        {t("wait.approve")}
      </Button>
    </form>
  );
}

function Signal({ wait }: { wait: Wait }) {
  const { t } = useTranslation("runs");
  const viewer = useSession((s) => s.role === "viewer");
  const { busy, send } = useAnswer(wait);
  const [text, setText] = useState("");
  const value = text.trim() === "" ? { ok: true as const, value: null } : parsed(text);
  return (
    <form
      className={classes.answer}
      onSubmit={(event) => {
        event.preventDefault();
        if (value.ok) send(value.value);
      }}
    >
      <TextInput
        className={classes.comment ?? ""}
        size="xs"
        aria-label={t("wait.payload")}
        placeholder={t("wait.payload")}
        error={!value.ok}
        value={text}
        disabled={viewer}
        onChange={(event) => setText(event.currentTarget.value)}
      />
      <Button
        size="xs"
        variant="filled"
        type="submit"
        disabled={viewer || busy || !value.ok}
        data-testid="send-signal"
      >
        {t("wait.send")}
      </Button>
    </form>
  );
}
