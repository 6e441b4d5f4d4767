import { type KeyboardEvent, useId, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { writeText } from "@/ui/textUndo";
import type { ShapedProps } from "../Control";
import { useForm } from "../context";
import { useDraft } from "../draft";
import classes from "../Form.module.css";
import { type Completion, completionsAt, fieldText, piecesOf } from "../highlight";
import { placeholderOf } from "../placeholder";
import { Highlighted } from "./Highlighted";

const MOST_CHIPS = 12;
const MOST_OFFERED = 8;
const NOTHING: Completion = { from: 0, options: [] };

/** An expression: fields stand out, names of columns are completed. */
export function ExpressionControl(props: ShapedProps) {
  const { shape, value, onChange, label, invalid = false, compact = false } = props;
  const { readOnly, columns, names } = useForm();
  const area = useRef<HTMLTextAreaElement>(null);
  const draft = useDraft(typeof value === "string" ? value : "", (text: string) =>
    onChange(text === "" ? undefined : text),
  );
  const completion = useCompletion(area, draft.value, { columns, names, readOnly });

  function write(text: string, caret: number): void {
    if (area.current) writeText(area.current, text, caret);
    completion.close();
  }

  function accept(option: string): void {
    const caret = area.current?.selectionStart ?? draft.value.length;
    const before = draft.value.slice(0, completion.from) + option;
    write(before + draft.value.slice(caret), before.length);
  }

  function insert(column: string): void {
    const at = area.current?.selectionStart ?? draft.value.length;
    const before = draft.value.slice(0, at) + fieldText(column);
    write(before + draft.value.slice(area.current?.selectionEnd ?? at), before.length);
  }

  /** In a row there is no room for the columns: they are offered where nothing is written yet. */
  function offer(): void {
    if (compact && draft.value === "") completion.offer();
    else completion.close();
  }

  function onKeyDown(event: KeyboardEvent): void {
    if (completion.onKeyDown(event, accept)) return;
    if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      draft.commit();
    }
  }

  return (
    <div className={classes.expression}>
      <Highlighted
        area={area}
        value={draft.value}
        pieces={piecesOf}
        invalid={invalid}
        aria-label={label}
        aria-autocomplete="list"
        {...(completion.options.length > 0 && {
          "aria-controls": completion.id,
          ...(completion.active >= 0 && {
            "aria-activedescendant": `${completion.id}-${completion.active}`,
          }),
        })}
        readOnly={readOnly}
        placeholder={placeholderOf(shape)}
        onChange={(event) => {
          draft.change(event.currentTarget.value);
          completion.update();
        }}
        onFocus={offer}
        onClick={offer}
        onBlur={() => {
          completion.close();
          draft.commit();
        }}
        onKeyDown={onKeyDown}
      />
      <Options completion={completion} onPick={accept} />
      {!compact && !readOnly && columns.length > 0 && <Chips columns={columns} onPick={insert} />}
    </div>
  );
}

interface LiveCompletion extends Completion {
  id: string;
  active: number;
  update: () => void;
  /** Shows the columns before anything is typed; none is chosen yet, so that Tab goes on. */
  offer: () => void;
  close: () => void;
  onKeyDown: (event: KeyboardEvent, accept: (option: string) => void) => boolean;
}

type Known = Pick<ReturnType<typeof useForm>, "columns" | "names" | "readOnly">;

function useCompletion(
  area: React.RefObject<HTMLTextAreaElement | null>,
  value: string,
  { columns, names, readOnly }: Known,
): LiveCompletion {
  const id = useId();
  const [open, setOpen] = useState<"no" | "typed" | "offered">("no");
  const [active, setActive] = useState(0);
  const caret = area.current?.selectionStart ?? value.length;
  const offered = open === "offered" && value === "";
  const typed = open === "typed" ? completionsAt(value, caret, columns, names) : NOTHING;
  const all = offered ? { from: 0, options: columns.slice(0, MOST_OFFERED).map(fieldText) } : typed;
  const found = readOnly ? NOTHING : all;

  function onKeyDown(event: KeyboardEvent, accept: (option: string) => void): boolean {
    const count = found.options.length;
    if (count === 0) return false;
    switch (event.key) {
      case "ArrowDown":
        setActive((active + 1) % count);
        break;
      case "ArrowUp":
        setActive(active <= 0 ? count - 1 : active - 1);
        break;
      case "Enter":
      case "Tab":
        if (active < 0) return false;
        accept(found.options[active] ?? found.options[0] ?? "");
        break;
      case "Escape":
        setOpen("no");
        break;
      default:
        return false;
    }
    event.preventDefault();
    event.stopPropagation();
    return true;
  }

  return {
    ...found,
    id,
    active: Math.min(active, Math.max(0, found.options.length - 1)),
    onKeyDown,
    update: () => {
      setOpen("typed");
      setActive(0);
    },
    offer: () => {
      setOpen("offered");
      setActive(-1);
    },
    close: () => setOpen("no"),
  };
}

interface OptionsProps {
  completion: LiveCompletion;
  onPick: (option: string) => void;
}

function Options({ completion, onPick }: OptionsProps) {
  if (completion.options.length === 0) return null;
  return (
    <div className={classes.options} id={completion.id} role="listbox">
      {completion.options.map((option, index) => (
        <div
          key={option}
          id={`${completion.id}-${index}`}
          role="option"
          tabIndex={-1}
          aria-selected={index === completion.active}
          onPointerDown={(event) => {
            event.preventDefault();
            onPick(option);
          }}
        >
          {option}
        </div>
      ))}
    </div>
  );
}

function Chips({ columns, onPick }: { columns: readonly string[]; onPick: (c: string) => void }) {
  const { t } = useTranslation("form");
  const shown = columns.slice(0, MOST_CHIPS);
  return (
    <div className={classes.chips}>
      <span>{t("fields")}</span>
      {shown.map((column) => (
        <button
          key={column}
          type="button"
          title={t("fields.insert", { name: column })}
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => onPick(column)}
        >
          {column}
        </button>
      ))}
      {columns.length > shown.length && <span>+{columns.length - shown.length}</span>}
    </div>
  );
}
