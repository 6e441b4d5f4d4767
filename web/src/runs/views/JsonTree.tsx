import { useState } from "react";
import { useTranslation } from "react-i18next";
import type { Json } from "@/api/types";
import classes from "./JsonTree.module.css";

interface JsonTreeProps {
  value: Json;
  /** Levels that are open at first. */
  openTo?: number;
}

const PER_PAGE = 100;

/** JSON as a tree to open and close. */
export function JsonTree({ value, openTo = 2 }: JsonTreeProps) {
  return (
    <div className={classes.tree} data-testid="output-json">
      <Branch value={value} name={null} depth={0} openTo={openTo} />
    </div>
  );
}

interface BranchProps {
  value: Json;
  name: string | null;
  depth: number;
  openTo: number;
}

function entriesOf(value: Json[] | { [key: string]: Json }): [string, Json][] {
  return Array.isArray(value)
    ? value.map((item, index) => [String(index), item])
    : Object.entries(value);
}

function Branch({ value, name, depth, openTo }: BranchProps) {
  const { t } = useTranslation("runs");
  const [open, setOpen] = useState(depth < openTo);
  const [shown, setShown] = useState(PER_PAGE);
  if (value === null || typeof value !== "object") return <Leaf value={value} name={name} />;
  const isList = Array.isArray(value);
  const entries = entriesOf(value);
  const summary = isList ? `[${entries.length}]` : `{${entries.length}}`;
  if (entries.length === 0) {
    return (
      <div className={classes.line}>
        <Name name={name} />
        <span className={classes.summary}>{isList ? "[ ]" : "{ }"}</span>
      </div>
    );
  }
  const root = depth === 0;
  return (
    <div>
      {!root && (
        <button
          type="button"
          className={classes.toggle}
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          <span className={classes.arrow} data-open={open || undefined} aria-hidden="true" />
          <Name name={name} />
          <span className={classes.summary}>{summary}</span>
          {!open && <span className={classes.peek}>{peek(value)}</span>}
        </button>
      )}
      {(open || root) && (
        <div className={root ? undefined : classes.inside}>
          {entries.slice(0, shown).map(([key, item]) => (
            <Branch key={key} value={item} name={key} depth={depth + 1} openTo={openTo} />
          ))}
          {entries.length > shown && (
            <button
              type="button"
              className={classes.more}
              onClick={() => setShown(shown + PER_PAGE * 5)}
            >
              {t("json.more", { count: entries.length - shown })}
            </button>
          )}
        </div>
      )}
    </div>
  );
}

function peek(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 79)}…` : text;
}

function Name({ name }: { name: string | null }) {
  return name === null ? null : <span className={classes.name}>{name}</span>;
}

function Leaf({ value, name }: { value: string | number | boolean | null; name: string | null }) {
  const kind = value === null ? "null" : typeof value;
  return (
    <div className={classes.line}>
      <Name name={name} />
      <span className={classes.value} data-kind={kind}>
        {value === null ? "null" : String(value)}
      </span>
    </div>
  );
}
