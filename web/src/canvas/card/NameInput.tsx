import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { setField } from "@/flow/commands";
import type { FlowNode } from "@/flow/types";
import { useCanvas } from "../state";
import classes from "./NameInput.module.css";

const LONGEST_NAME = 200;

/** The name of a node while it is being typed: Enter keeps it, Escape does not. */
export function NameInput({ node, placeholder }: { node: FlowNode; placeholder: string }) {
  const { t } = useTranslation("editor");
  const [text, setText] = useState(node.name ?? "");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => input.current?.select(), []);
  const finish = (keep: boolean) => {
    if (useCanvas.getState().renaming !== node.id) return;
    useCanvas.setState({ renaming: null });
    const name = text.trim();
    if (keep && name !== (node.name ?? "")) setField(node.id, "name", name);
    const card = document.querySelector<HTMLElement>(`.react-flow__node[data-id="${node.id}"]`);
    card?.focus();
  };
  return (
    <input
      ref={input}
      className={`nodrag ${classes.input}`}
      value={text}
      placeholder={placeholder}
      maxLength={LONGEST_NAME}
      aria-label={t("card.name")}
      onChange={(event) => setText(event.target.value)}
      onBlur={() => finish(true)}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.nativeEvent.isComposing) return;
        if (event.key === "Enter") finish(true);
        if (event.key === "Escape") finish(false);
      }}
    />
  );
}
