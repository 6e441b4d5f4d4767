import type { CSSProperties } from "react";
import type { Category } from "@/api/types";
import { glyphs } from "./glyphs";
import classes from "./NodeIcon.module.css";
import { OutlineIcon } from "./OutlineIcon";

const BY_CATEGORY: Record<Category, string> = {
  source: "file-text",
  process: "transform",
  ai: "sparkles",
  control: "arrows-split",
  output: "arrow-bar-to-right",
  store: "database",
  trigger: "bolt",
  util: "point",
};

const CATEGORIES = new Set<string>(Object.keys(BY_CATEGORY));

/** The CSS colour of a category, e.g. `var(--source)`. */
export function categoryColor(category: string): string {
  return `var(--${CATEGORIES.has(category) ? category : "util"})`;
}

interface NodeIconProps {
  name?: string | undefined;
  category?: string | undefined;
  size?: number;
}

/** The icon of a node type; one of its category when there is none of this name. */
export function NodeIcon({ name, category = "util", size = 18 }: NodeIconProps) {
  const Glyph = glyphs[name ?? ""];
  if (Glyph) return <Glyph size={size} stroke={1.6} />;
  const Instead = glyphs[BY_CATEGORY[category as Category] ?? "point"];
  const instead = Instead ? <Instead size={size} stroke={1.6} /> : null;
  return name ? <OutlineIcon name={name} size={size} instead={instead} /> : instead;
}

interface CategoryTileProps extends NodeIconProps {
  small?: boolean;
}

/** The icon on a square in its category's colour: 28 px, or 20 px when small. */
export function CategoryTile({ name, category = "util", small = false }: CategoryTileProps) {
  const style = { "--c": categoryColor(category) } as CSSProperties;
  return (
    <span
      className={small ? `${classes.tile} ${classes.small}` : classes.tile}
      style={style}
      aria-hidden
    >
      <NodeIcon name={name} category={category} size={small ? 13 : 18} />
    </span>
  );
}
