import { Menu } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { useCanEdit } from "@/canvas/hooks";
import { closeMenu, type MenuRequest, openQuickAdd, useCanvas } from "@/canvas/state";
import { disconnect } from "@/flow/commands";
import { useGraph } from "@/flow/store";
import { InsideItems } from "../run/InsideItems";
import { useOutermostAround } from "../run/inside";
import { COMMANDS, type CommandId, newNote, perform, possible } from "../shortcuts/commands";
import { capsText } from "../shortcuts/keys";
import { isPinned } from "../shortcuts/pinning";
import classes from "./CanvasMenu.module.css";

const Keys = ({ keys }: { keys: string }) => <kbd className={classes.keys}>{capsText(keys)}</kbd>;

type Entry = CommandId | "-";

const EDITING = new Set<CommandId>([
  "edit.rename",
  "edit.cut",
  "edit.paste",
  "edit.duplicate",
  "edit.disable",
  "edit.delete",
  "edit.tidy",
  "edit.intoLoop",
  "edit.intoTry",
  "edit.intoParallel",
  "edit.takeOut",
  "run.from",
  "run.to",
  "run.only",
  "edit.pin",
]);

const ON_NODE: Entry[] = [
  "run.from",
  "run.to",
  "run.only",
  "edit.pin",
  "-",
  "debug.breakpoint",
  "debug.condition",
  "-",
  "edit.open",
  "edit.rename",
  "edit.disable",
  "-",
  "edit.intoLoop",
  "edit.intoTry",
  "edit.intoParallel",
  "edit.takeOut",
  "edit.fold",
  "-",
  "edit.cut",
  "edit.copy",
  "edit.duplicate",
  "edit.tidy",
  "-",
  "edit.delete",
];
/** Left out where they do nothing, so that the menu stays short. */
const RARE = new Set<CommandId>(["edit.takeOut", "edit.fold"]);
const ON_NOTE: Entry[] = [
  "edit.rename",
  "-",
  "edit.cut",
  "edit.copy",
  "edit.duplicate",
  "-",
  "edit.delete",
];
const ON_PANE: Entry[] = [
  "edit.paste",
  "edit.selectAll",
  "edit.tidy",
  "-",
  "view.fit",
  "view.palette",
];

/** What runs a part of the flow: not one that begins or ends in a container. */
const PARTS = new Set<CommandId>(["run.from", "run.to", "run.only"]);
const WHY = "menu-run-inside";

/** The menu of what was clicked with the other button. */
export function CanvasMenu() {
  const menu = useCanvas((s) => s.menu);
  if (!menu) return null;
  return (
    <Menu
      opened
      onClose={closeMenu}
      position="bottom-start"
      width={296}
      offset={0}
      key={JSON.stringify(menu)}
    >
      <Menu.Target>
        <span style={{ position: "fixed", left: menu.at.x, top: menu.at.y }} />
      </Menu.Target>
      <Menu.Dropdown>
        <Items menu={menu} />
      </Menu.Dropdown>
    </Menu>
  );
}

function Items({ menu }: { menu: MenuRequest }) {
  const { kind } = menu.target;
  if (kind === "edge") return <EdgeItems menu={menu} />;
  if (kind === "node") return <Commands entries={ON_NODE} />;
  if (kind === "note") return <Commands entries={ON_NOTE} />;
  return <PaneItems menu={menu} />;
}

function Commands({ entries }: { entries: Entry[] }) {
  const { t } = useTranslation("editor");
  const canEdit = useCanEdit();
  const inside = useOutermostAround();
  const shown = entries.filter((id) => id === "-" || !RARE.has(id) || possible(id));
  return shown.map((id, i) => {
    // biome-ignore lint/suspicious/noArrayIndexKey: a divider is nothing but its place.
    if (id === "-") return <Menu.Divider key={i} />;
    const off = inside !== null && PARTS.has(id);
    const item = (
      <Menu.Item
        key={id}
        disabled={off || !possible(id) || (EDITING.has(id) && !canEdit)}
        aria-describedby={off ? WHY : undefined}
        {...(id === "edit.delete" ? { c: "var(--red)" } : {})}
        rightSection={<Keys keys={COMMANDS[id].keys[0] ?? ""} />}
        onClick={() => requestAnimationFrame(() => perform(id))}
      >
        {t(wordsFor(id))}
      </Menu.Item>
    );
    if (inside === null || id !== "run.only") return item;
    return [item, <InsideItems key="inside" id={WHY} {...inside} />];
  });
}

/** In the menu of a node it is clear which one is meant. */
function wordsFor(id: CommandId) {
  if (id === "run.from" || id === "run.to" || id === "run.only") return `menu.${id}` as const;
  if (id !== "edit.pin") return `command.${id}` as const;
  const [node] = useGraph.getState().selection;
  return node !== undefined && isPinned(node) ? "menu.edit.unpin" : "menu.edit.pin";
}

function EdgeItems({ menu }: { menu: MenuRequest }) {
  const { t } = useTranslation("editor");
  const canEdit = useCanEdit();
  const id = menu.target.id ?? "";
  return (
    <>
      <Menu.Item
        disabled={!canEdit}
        onClick={() => openQuickAdd({ at: menu.at, place: menu.place, into: id })}
      >
        {t("edge.insert")}
      </Menu.Item>
      <Menu.Item disabled={!canEdit} c="var(--red)" onClick={() => disconnect([id])}>
        {t("edge.delete")}
      </Menu.Item>
    </>
  );
}

function PaneItems({ menu }: { menu: MenuRequest }) {
  const { t } = useTranslation("editor");
  const canEdit = useCanEdit();
  return (
    <>
      <Menu.Item
        disabled={!canEdit}
        rightSection={<Keys keys="tab" />}
        onClick={() => openQuickAdd({ at: menu.at, place: menu.place })}
      >
        {t("command.add.node")}
      </Menu.Item>
      <Menu.Item
        disabled={!canEdit}
        rightSection={<Keys keys="shift+s" />}
        onClick={() => newNote(menu.place)}
      >
        {t("command.add.note")}
      </Menu.Item>
      <Menu.Divider />
      <Commands entries={ON_PANE} />
    </>
  );
}
