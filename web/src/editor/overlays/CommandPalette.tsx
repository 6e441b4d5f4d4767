import {
  Spotlight,
  type SpotlightActionData,
  type SpotlightActionGroupData,
  type SpotlightProps,
  useSpotlight,
} from "@mantine/spotlight";
import { IconSearch } from "@tabler/icons-react";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { specTexts } from "@/api/catalogue";
import { addHere } from "@/canvas/add/options";
import { useCanEdit, useSpecs } from "@/canvas/hooks";
import { jumpTo } from "@/canvas/view";
import { useGraph } from "@/flow/store";
import { CategoryTile } from "@/ui/NodeIcon";
import { palette, paletteStore } from "../paletteStore";
import { COMMAND_IDS, COMMANDS, perform, possible } from "../shortcuts/commands";
import { useNodeName } from "../useNodeName";
import classes from "./CommandPalette.module.css";
import { Caps } from "./ShortcutsSheet";

const MOST = 60;

function useCommands(opened: boolean): SpotlightActionGroupData {
  const { t } = useTranslation("editor");
  return useMemo(() => {
    const ids = opened ? COMMAND_IDS.filter((id) => !COMMANDS[id].hidden && possible(id)) : [];
    return {
      group: t("palette.commands"),
      actions: ids
        .filter((id) => id !== "view.palette")
        .map((id) => ({
          id,
          label: t(`command.${id}`),
          keywords: [id],
          rightSection: <Caps keys={COMMANDS[id].keys[0] ?? ""} />,
          onClick: () => requestAnimationFrame(() => perform(id)),
        })),
    };
  }, [t, opened]);
}

function useNodes(opened: boolean): SpotlightActionGroupData {
  const { t } = useTranslation("editor");
  const nodes = useGraph((s) => s.nodes);
  const specs = useSpecs((s) => s.specs);
  const name = useNodeName();
  return useMemo(
    () => ({
      group: t("palette.nodes"),
      actions: (opened ? Object.values(nodes) : []).map((node) => {
        const spec = specs.get(node.type);
        return {
          id: `node:${node.id}`,
          label: name(node.id),
          keywords: [node.id, node.type],
          leftSection: <CategoryTile name={spec?.icon} category={spec?.category} small />,
          onClick: () => jumpTo(node.id),
        };
      }),
    }),
    [t, nodes, specs, name, opened],
  );
}

function useTypes(opened: boolean): SpotlightActionGroupData {
  const { t, i18n } = useTranslation("editor");
  const specs = useSpecs((s) => s.specs);
  const canEdit = useCanEdit();
  return useMemo(
    () => ({
      group: t("palette.add"),
      actions: (opened && canEdit ? [...specs.values()] : []).map((spec) => ({
        id: `add:${spec.type}`,
        label: specTexts(spec, i18n.language).name,
        description: specTexts(spec, i18n.language).description,
        keywords: [
          spec.type,
          spec.name,
          spec.i18n?.zh?.title ?? "",
          ...(spec.aliases?.en ?? []),
          ...(spec.aliases?.zh ?? []),
        ],
        leftSection: <CategoryTile name={spec.icon} category={spec.category} small />,
        onClick: () => addHere(spec.type),
      })),
    }),
    [t, i18n.language, specs, canEdit, opened],
  );
}

const simple = (text: string): string => text.toLowerCase().normalize("NFKC");

/** Keeps what is called so, or known by such a word; descriptions would match too much. */
const filter: NonNullable<SpotlightProps["filter"]> = (query, actions) => {
  const words = simple(query).split(/\s+/).filter(Boolean);
  const fits = ({ label = "", keywords = [] }: SpotlightActionData) => {
    const texts = [label, ...(Array.isArray(keywords) ? keywords : [keywords])].map(simple);
    return words.every((word) => texts.some((text) => found(text, word)));
  };
  return actions.flatMap((entry): SpotlightProps["actions"] => {
    if (!("actions" in entry)) return fits(entry) ? [entry] : [];
    const kept = entry.actions.filter(fits);
    return kept.length > 0 ? [{ ...entry, actions: kept }] : [];
  });
};

const CJK = /\p{Script=Han}/u;

const found = (text: string, word: string): boolean =>
  CJK.test(word)
    ? text.includes(word)
    : text.split(/[^\p{L}\p{N}]+/u).some((part) => part.startsWith(word));

/** Finds any command, node of this flow, or node type. */
export function CommandPalette() {
  const { t } = useTranslation("editor");
  // The lists are made only while the palette is open.
  const { opened } = useSpotlight(paletteStore);
  const groups = [useCommands(opened), useNodes(opened), useTypes(opened)];
  return (
    <Spotlight
      store={paletteStore}
      actions={groups.filter((group) => group.actions.length > 0)}
      shortcut={null}
      limit={MOST}
      filter={filter}
      scrollable
      maxHeight={420}
      size={560}
      radius="lg"
      nothingFound={t("quick.none")}
      highlightQuery
      onSpotlightClose={palette.close}
      overlayProps={{ backgroundOpacity: 1, color: "var(--veil)" }}
      searchProps={{
        leftSection: <IconSearch size={16} stroke={1.6} />,
        placeholder: t("palette.ask"),
        "aria-label": t("palette.ask"),
      }}
      classNames={{
        content: classes.content ?? "",
        search: classes.search ?? "",
        action: classes.action ?? "",
        actionDescription: classes.description ?? "",
        actionsGroup: classes.group ?? "",
      }}
    />
  );
}
