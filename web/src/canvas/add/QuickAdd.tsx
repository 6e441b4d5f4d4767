import { IconSearch } from "@tabler/icons-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { specTexts } from "@/api/catalogue";
import type { NodeSpec } from "@/api/types";
import { useGraph } from "@/flow/store";
import { CategoryTile } from "@/ui/NodeIcon";
import { useSpecs } from "../hooks";
import { closeQuickAdd, type QuickAddRequest, useCanvas } from "../state";
import { focusCanvas } from "../view";
import { choose, type NewNode, newNodes, type OldNode, oldNodes } from "./options";
import classes from "./QuickAdd.module.css";
import { searchSpecs } from "./search";

const WIDTH = 320;
const HEIGHT = 380;
const EDGE = 12;
const MOST_OLD = 5;

/** The window that finds a node type and adds it where it was asked for. */
export function QuickAdd() {
  const request = useCanvas((s) => s.quickAdd);
  return request ? <Window key={JSON.stringify(request)} request={request} /> : null;
}

interface Row {
  key: string;
  option: NewNode | OldNode;
  spec: NodeSpec | undefined;
  title: string;
  text: string;
}

function useRows(request: QuickAddRequest, query: string): Row[] {
  const { t, i18n } = useTranslation("editor");
  const specs = useSpecs((s) => s.specs);
  const nodes = useGraph((s) => s.nodes);
  const fresh = useMemo(() => newNodes(request, specs), [request, specs]);
  const old = useMemo(() => (request.from ? oldNodes(request.from, specs) : []), [request, specs]);
  return useMemo(() => {
    const language = i18n.language;
    const options = new Map(fresh.map((option) => [option.spec.type, option]));
    const found = searchSpecs(
      fresh.map((option) => option.spec),
      query,
      language,
    );
    // After something, a source is rarely what comes next.
    const later = (spec: NodeSpec) =>
      Number(request.from?.side === "source" && !query && spec.category === "source");
    const inOrder = [...found].sort((a, b) => later(a) - later(b));
    const rows: Row[] = inOrder.map((spec) => ({
      key: spec.type,
      option: options.get(spec.type) as NewNode,
      spec,
      title: specTexts(spec, language).name,
      text: specTexts(spec, language).description,
    }));
    const asked = query.trim().toLowerCase();
    const here = old.flatMap((option): Row[] => {
      const node = nodes[option.node];
      const spec = node && specs.get(node.type);
      const title = node?.name || (spec ? specTexts(spec, language).name : (node?.type ?? ""));
      if (!title.toLowerCase().includes(asked)) return [];
      return [{ key: `#${option.node}`, option, spec, title, text: t("quick.existing") }];
    });
    return [...here.slice(0, MOST_OLD), ...rows];
  }, [request, fresh, old, query, nodes, specs, i18n.language, t]);
}

function Window({ request }: { request: QuickAddRequest }) {
  const { t } = useTranslation("editor");
  const [query, setQuery] = useState("");
  const [active, setActive] = useState(0);
  const input = useRef<HTMLInputElement>(null);
  const rows = useRows(request, query);
  const at = Math.min(active, rows.length - 1);
  useEffect(() => input.current?.focus(), []);
  useEffect(() => {
    document.getElementById(`quick-${at}`)?.scrollIntoView({ block: "nearest" });
  }, [at]);
  const close = () => {
    closeQuickAdd();
    focusCanvas();
  };
  const pick = (row: Row | undefined) => {
    if (!row) return;
    close();
    choose(request, row.option);
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const move = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (move) setActive((at + move + rows.length) % Math.max(1, rows.length));
    else if (event.key === "Enter") pick(rows[at]);
    else if (event.key === "Escape" || event.key === "Tab") close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return (
    <>
      <div className={classes.beside} onPointerDown={close} />
      <div
        className={classes.window}
        style={position(request)}
        data-testid="quick-add"
        role="dialog"
        aria-label={t("quick.title")}
      >
        <label className={classes.ask}>
          <IconSearch size={16} stroke={1.6} aria-hidden />
          <input
            ref={input}
            value={query}
            placeholder={t(request.from || request.into ? "quick.askFitting" : "quick.ask")}
            role="combobox"
            aria-expanded
            aria-controls="quick-list"
            aria-activedescendant={rows.length > 0 ? `quick-${at}` : undefined}
            aria-label={t("quick.title")}
            data-testid="quick-add-search"
            onChange={(event) => {
              setQuery(event.target.value);
              setActive(0);
            }}
            onKeyDown={onKeyDown}
          />
        </label>
        <div id="quick-list" role="listbox" aria-label={t("quick.title")} className={classes.list}>
          {rows.map((row, i) => (
            <Option
              key={row.key}
              row={row}
              index={i}
              active={i === at}
              onHover={() => setActive(i)}
              onPick={() => pick(row)}
            />
          ))}
          {rows.length === 0 && <p className={classes.none}>{t("quick.none")}</p>}
        </div>
      </div>
    </>
  );
}

interface OptionProps {
  row: Row;
  index: number;
  active: boolean;
  onHover: () => void;
  onPick: () => void;
}

function Option({ row, index, active, onHover, onPick }: OptionProps) {
  return (
    // biome-ignore lint/a11y/useFocusableInteractive: the focus stays in the search field, which names the active option.
    // biome-ignore lint/a11y/useKeyWithClickEvents: the search field has the keys.
    <div
      id={`quick-${index}`}
      role="option"
      aria-selected={active}
      className={classes.option}
      data-testid="quick-add-item"
      data-type={row.option.kind === "new" ? row.option.spec.type : row.option.node}
      onPointerMove={onHover}
      onClick={onPick}
    >
      <CategoryTile name={row.spec?.icon} category={row.spec?.category} small />
      <span className={classes.title}>{row.title}</span>
      <span className={classes.text}>{row.text}</span>
    </div>
  );
}

/** Beside where it was asked for, but inside of the page. */
function position({ at, from }: QuickAddRequest): React.CSSProperties {
  const left = from?.side === "target" ? at.x - WIDTH : at.x;
  const most = { x: window.innerWidth - WIDTH - EDGE, y: window.innerHeight - HEIGHT - EDGE };
  return {
    left: Math.max(EDGE, Math.min(left, most.x)),
    top: Math.max(EDGE, Math.min(at.y, most.y)),
    width: WIDTH,
    maxHeight: HEIGHT,
  };
}
