import { type NodeProps, NodeResizer } from "@xyflow/react";
import { memo, useEffect, useLayoutEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { setNote, setNoteText } from "@/flow/commands";
import { usePresence } from "@/flow/presence";
import { useGraph } from "@/flow/store";
import type { NoteNode } from "../elements";
import { useCanEdit } from "../hooks";
import { useCanvas } from "../state";
import classes from "./NoteCard.module.css";

const NOTE_COLORS = ["amber", "source", "output", "store", "util"] as const;
const LEAST = { width: 140, height: 72 };

/** A sticky note on the canvas. */
export const NoteCard = memo(function NoteCard({ id, data, selected }: NodeProps<NoteNode>) {
  const { note } = data;
  const { t } = useTranslation("editor");
  const canEdit = useCanEdit();
  const editing = useCanvas((s) => s.renaming === id);
  const who = usePresence((s) => s.selectedBy[id]);
  const color = NOTE_COLORS.find((name) => name === note.color) ?? "amber";
  const style = who ? ({ "--who": who.color } as React.CSSProperties) : undefined;
  return (
    <div
      className={classes.note}
      {...(style ? { style } : {})}
      data-testid="note-card"
      data-color={color}
      data-node-id={id}
      data-selected={selected}
      data-other={who !== undefined}
    >
      {who && <span className={classes.who}>{who.name}</span>}
      <NodeResizer
        isVisible={selected === true && canEdit}
        minWidth={LEAST.width}
        minHeight={LEAST.height}
        lineClassName={classes.line ?? ""}
        handleClassName={classes.grip ?? ""}
      />
      {selected && canEdit && <Colors id={id} chosen={color} />}
      {editing && canEdit ? (
        <Editor id={id} />
      ) : (
        <div className={classes.text} data-empty={note.text === ""}>
          {note.text || t("note.empty")}
        </div>
      )}
    </div>
  );
});

function Colors({ id, chosen }: { id: string; chosen: string }) {
  const { t } = useTranslation("editor");
  return (
    <div className={`nodrag ${classes.colors}`} role="radiogroup" aria-label={t("note.color")}>
      {NOTE_COLORS.map((color) => (
        // biome-ignore lint/a11y/useSemanticElements: five dots, drawn as dots.
        <button
          key={color}
          type="button"
          role="radio"
          aria-checked={color === chosen}
          aria-label={t(`note.color.${color}`)}
          title={t(`note.color.${color}`)}
          data-color={color}
          onClick={() => setNote(id, "color", color)}
        />
      ))}
    </div>
  );
}

/** Types into the shared text; the caret stays where it was when others type before it. */
function Editor({ id }: { id: string }) {
  const { t } = useTranslation("editor");
  // From the store, not from the canvas: that hands texts on a moment later.
  const text = useGraph((s) => s.notes[id]?.text ?? "");
  const input = useRef<HTMLTextAreaElement>(null);
  const caret = useRef(text.length);
  const [shown, setShown] = useState(text);
  useEffect(() => {
    input.current?.focus();
    input.current?.setSelectionRange(caret.current, caret.current);
  }, []);
  if (shown !== text) {
    caret.current = movedCaret(shown, text, caret.current);
    setShown(text);
  }
  useLayoutEffect(() => {
    if (input.current?.value === text)
      input.current.setSelectionRange(caret.current, caret.current);
  }, [text]);
  const close = () => useCanvas.setState({ renaming: null });
  return (
    <textarea
      ref={input}
      className={`nodrag nowheel ${classes.editor}`}
      value={text}
      placeholder={t("note.empty")}
      aria-label={t("note.label")}
      onSelect={(event) => {
        caret.current = event.currentTarget.selectionStart;
      }}
      onChange={(event) => {
        caret.current = event.target.selectionStart;
        setShown(event.target.value);
        setNoteText(id, event.target.value);
      }}
      onBlur={close}
      onKeyDown={(event) => {
        event.stopPropagation();
        if (event.key === "Escape") close();
      }}
    />
  );
}

/** Where a caret is after a text became another: it moves with what changed before it. */
export function movedCaret(before: string, after: string, caret: number): number {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  return start >= caret ? caret : Math.max(start, caret + after.length - before.length);
}
