import { IconSearch } from "@tabler/icons-react";
import { useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { specTexts } from "@/api/catalogue";
import type { NodeSpec } from "@/api/types";
import { CategoryTile } from "@/ui/NodeIcon";
import { useCanEdit, useSpecs } from "../hooks";
import { addHere } from "./options";
import classes from "./Palette.module.css";
import { byCategory, searchSpecs } from "./search";

/** What a dragged entry of the palette carries. */
export const DRAG_TYPE = "application/x-weft-node-type";

/** All node types by category, to be searched, clicked, or dragged onto the canvas. */
export function Palette() {
  const { t, i18n } = useTranslation("editor");
  const specs = useSpecs((s) => s.specs);
  const [query, setQuery] = useState("");
  const list = useRef<HTMLDivElement>(null);
  const found = useMemo(
    () => searchSpecs(specs.values(), query, i18n.language),
    [specs, query, i18n.language],
  );
  const groups: [string, NodeSpec[]][] =
    query.trim() === "" ? byCategory(found) : found.length > 0 ? [["", found]] : [];
  const first = found[0];
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    if (event.key === "Enter" && first && query.trim() !== "") addHere(first.type);
    if (event.key === "ArrowDown") {
      list.current?.querySelector("button")?.focus();
      event.preventDefault();
    }
  };
  return (
    <div className={classes.palette}>
      <label className={classes.search}>
        <IconSearch size={15} stroke={1.6} aria-hidden />
        <input
          value={query}
          placeholder={t("palette.search")}
          aria-label={t("palette.search")}
          data-testid="palette-search"
          onChange={(event) => setQuery(event.target.value)}
          onKeyDown={onKeyDown}
        />
      </label>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: the arrow keys move between the buttons inside. */}
      <div className={classes.list} ref={list} onKeyDown={walk}>
        {groups.map(([category, group]) => (
          <section
            key={category}
            aria-label={category ? t(`category.${category}` as "category.util") : undefined}
          >
            {category && <h3>{t(`category.${category}` as "category.util")}</h3>}
            {group.map((spec) => (
              <Entry key={spec.type} spec={spec} language={i18n.language} />
            ))}
          </section>
        ))}
        {groups.length === 0 && <p className={classes.none}>{t("palette.none", { query })}</p>}
      </div>
    </div>
  );
}

function walk(event: React.KeyboardEvent<HTMLDivElement>): void {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!step) return;
  const entries = [...event.currentTarget.querySelectorAll("button")];
  const at = entries.indexOf(document.activeElement as HTMLButtonElement);
  entries[at + step]?.focus();
  event.preventDefault();
}

function Entry({ spec, language }: { spec: NodeSpec; language: string }) {
  const { t } = useTranslation("editor");
  const canEdit = useCanEdit();
  const { name, description } = specTexts(spec, language);
  return (
    <button
      type="button"
      className={classes.entry}
      data-testid="palette-item"
      data-type={spec.type}
      draggable={canEdit}
      disabled={!canEdit}
      title={canEdit ? description : t("viewer.reason")}
      onClick={() => addHere(spec.type)}
      onDragStart={(event) => {
        event.dataTransfer.setData(DRAG_TYPE, spec.type);
        event.dataTransfer.effectAllowed = "copy";
      }}
    >
      <CategoryTile name={spec.icon} category={spec.category} />
      <span className={classes.words}>
        <b>{name}</b>
        <span>{description}</span>
      </span>
    </button>
  );
}
