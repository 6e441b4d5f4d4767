import { TextInput } from "@mantine/core";
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import type { FlowInfo } from "@/api/types";
import classes from "./Flows.module.css";

interface FlowNameProps {
  flow: FlowInfo;
  editing: boolean;
  onDone: (name: string | null) => void;
}

/** The flow's name, which leads to it; while renaming, a field in its place. */
export function FlowName({ flow, editing, onDone }: FlowNameProps) {
  const { t } = useTranslation("home");
  if (editing) return <NameField name={flow.name} onDone={onDone} />;
  return (
    <Link
      href={`/flows/${flow.id}`}
      className={classes.name ?? ""}
      aria-label={t("flow.open", { name: flow.name })}
    >
      {flow.name}
    </Link>
  );
}

function NameField({ name, onDone }: { name: string; onDone: (name: string | null) => void }) {
  const { t } = useTranslation("home");
  const [text, setText] = useState(name);
  const field = useRef<HTMLInputElement>(null);
  const finished = useRef(false);
  useEffect(() => {
    // The menu gives the focus back to its button when it closes; the field takes it after that.
    const timer = setTimeout(() => field.current?.select(), 60);
    return () => clearTimeout(timer);
  }, []);
  function finish(result: string | null): void {
    if (finished.current) return;
    finished.current = true;
    onDone(result && result !== name ? result : null);
  }
  function onKeyDown(event: KeyboardEvent): void {
    if (event.key === "Enter") finish(text.trim());
    if (event.key === "Escape") finish(null);
  }
  return (
    <TextInput
      ref={field}
      className={classes.field ?? ""}
      aria-label={t("flow.name")}
      value={text}
      maxLength={120}
      onChange={(event) => setText(event.currentTarget.value)}
      onKeyDown={onKeyDown}
      onBlur={() => finish(text.trim())}
    />
  );
}
