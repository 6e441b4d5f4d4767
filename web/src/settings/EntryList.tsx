import { ActionIcon, Button } from "@mantine/core";
import { IconPlus, IconX } from "@tabler/icons-react";
import { type ReactNode, type RefObject, useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useForm } from "./context";
import type { Entries } from "./entries";
import classes from "./Form.module.css";
import { Handle } from "./Handle";

interface EntryListProps<T> {
  entries: Entries<T>;
  addLabel: string;
  onAdd: () => void;
  least?: number | undefined;
  most?: number | undefined;
  sortable?: boolean;
  /** Tall entries have their handle at the top. */
  tall?: boolean;
  render: (value: T, index: number, change: (value: T) => void) => ReactNode;
}

/** Entries one under the other: add, remove, and drag into another order. */
export function EntryList<T>(props: EntryListProps<T>) {
  const { entries, addLabel, onAdd, least = 0, most, sortable = true, tall, render } = props;
  const { readOnly } = useForm();
  const { items } = entries;
  const full = most !== undefined && items.length >= most;
  const around = useRef<HTMLDivElement>(null);
  const focus = useFocus(around, items.length);
  return (
    <div ref={around} className={classes.entries}>
      {items.length > 0 && (
        <ul className={classes.entryList}>
          {items.map((item, index) => (
            <li key={item.id} className={classes.entry} data-tall={tall || undefined}>
              {sortable && items.length > 1 && !readOnly && (
                <Handle entries={entries} id={item.id} index={index} />
              )}
              <div className={classes.entryBody}>
                {render(item.value, index, (value) => entries.change(item.id, value))}
              </div>
              {!readOnly && items.length > least && (
                <Remove
                  index={index}
                  onRemove={() => {
                    focus.after("remove");
                    entries.remove(item.id);
                  }}
                />
              )}
            </li>
          ))}
        </ul>
      )}
      {!readOnly && !full && (
        <Button
          className={classes.add ?? ""}
          size="compact-sm"
          variant="subtle"
          leftSection={<IconPlus size={14} stroke={2} />}
          onClick={() => {
            focus.after("add");
            onAdd();
          }}
        >
          {addLabel}
        </Button>
      )}
    </div>
  );
}

const FOCUSED = {
  add: ":scope > ul > li:last-child :is(input, textarea)",
  remove: ":scope > button",
};

/** Where the focus goes on: into an entry that was added, to Add when one was removed. */
function useFocus(around: RefObject<HTMLDivElement | null>, count: number) {
  const pending = useRef<"add" | "remove">(undefined);
  // biome-ignore lint/correctness/useExhaustiveDependencies: it waits for the list to change
  useEffect(() => {
    const target = pending.current && FOCUSED[pending.current];
    if (target) around.current?.querySelector<HTMLElement>(target)?.focus();
    pending.current = undefined;
  }, [count]);
  return {
    after: (change: "add" | "remove") => {
      pending.current = change;
    },
  };
}

function Remove({ index, onRemove }: { index: number; onRemove: () => void }) {
  const { t } = useTranslation("form");
  return (
    <ActionIcon
      className={classes.removeEntry ?? ""}
      size={22}
      aria-label={t("entry.remove", { number: index + 1 })}
      onClick={onRemove}
    >
      <IconX size={14} stroke={1.8} />
    </ActionIcon>
  );
}
