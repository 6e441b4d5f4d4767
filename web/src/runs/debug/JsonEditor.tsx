import { Button } from "@mantine/core";
import { type KeyboardEvent, useId, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import type { Json } from "@/api/types";
import classes from "./Debug.module.css";
import { parsed, written } from "./json";

interface JsonEditorProps {
  label: string;
  value: Json;
  busy: boolean;
  /** Why the last attempt was refused. */
  trouble: string;
  onSave: (value: Json) => void;
  onCancel: () => void;
}

/** A value as JSON to be rewritten; a mistake is told with its place before anything is sent. */
export function JsonEditor({ label, value, busy, trouble, onSave, onCancel }: JsonEditorProps) {
  const { t } = useTranslation("runs");
  const original = useMemo(() => written(value), [value]);
  const [text, setText] = useState(original);
  const result = useMemo(() => parsed(text), [text]);
  const field = useRef<HTMLTextAreaElement>(null);
  const told = useId();
  const same = result.ok && written(result.value) === original;

  function key(event: KeyboardEvent<HTMLTextAreaElement>): void {
    if (event.key === "Escape") {
      event.stopPropagation();
      onCancel();
    } else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      // The keys that run the flow mean "take this" here.
      event.preventDefault();
      event.stopPropagation();
      if (result.ok && !same) onSave(result.value);
    }
  }

  return (
    <div className={classes.editor} data-testid="json-editor">
      <textarea
        ref={field}
        aria-label={label}
        aria-invalid={!result.ok}
        aria-describedby={told}
        spellCheck={false}
        autoCapitalize="off"
        // biome-ignore lint/a11y/noAutofocus: the person has just asked to edit it
        autoFocus
        value={text}
        onChange={(event) => setText(event.currentTarget.value)}
        onKeyDown={key}
      />
      <div className={classes.editorFoot}>
        <p id={told} data-bad={!result.ok || trouble !== ""} aria-live="polite">
          {result.ok
            ? trouble || t("edit.valid")
            : t("edit.invalid", { line: result.line, column: result.column })}
        </p>
        {!result.ok && (
          <Button
            size="compact-xs"
            variant="subtle"
            onClick={() => {
              const at = offsetOf(text, result.line, result.column);
              field.current?.focus();
              field.current?.setSelectionRange(at, at + 1);
            }}
          >
            {t("edit.show")}
          </Button>
        )}
        <Button size="compact-xs" onClick={onCancel}>
          {t("edit.cancel")}
        </Button>
        <Button
          size="compact-xs"
          variant="filled"
          loading={busy}
          disabled={!result.ok || same}
          data-testid="save-value"
          onClick={() => result.ok && onSave(result.value)}
        >
          {t("edit.save")}
        </Button>
      </div>
    </div>
  );
}

function offsetOf(text: string, line: number, column: number): number {
  const before = text.split("\n").slice(0, line - 1);
  return before.reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
}
