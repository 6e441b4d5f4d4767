/** Leads to a setting: the node, its panel, and the field itself. */
import type { Failure } from "@/api/types";
import { jumpTo } from "@/canvas/view";
import { setSelection, useGraph } from "@/flow/store";
import type { Json, JsonMap } from "@/flow/types";
import { useEditorUi, type WantedSetting } from "./ui";

type Path = WantedSetting["path"];

/** A path as a list of steps; it may come as text with dots and brackets. */
export function pathOf(path: string | Path): Path {
  if (typeof path !== "string") return path;
  const steps = path.match(/[^.[\]]+/g) ?? [];
  return steps.map((step) => (/^\d+$/.test(step) ? Number(step) : step));
}

/** Shows a node, opens its settings, and gives the setting the keys. */
export function goToSetting(node: string, path: Path): void {
  jumpTo(node);
  useEditorUi.setState({
    inspectorOpen: true,
    inspectorTab: "settings",
    wanted: { node, path },
  });
}

/** What a failure tells of the setting behind it, the most telling first. */
const TELLING = ["part", "expression", "path", "url", "pattern", "field", "column", "name"];

/** The setting that a failure is about: the one it names, or whose value it quotes. */
export function settingBehind(failure: Failure, settings: JsonMap): Path | null {
  const params = failure.params ?? {};
  const { setting } = params;
  if (typeof setting === "string" && setting !== "") {
    const path = pathOf(setting);
    if (path[0] !== undefined && path[0] in settings) return path;
  }
  for (const key of TELLING) {
    const told = params[key];
    const path = typeof told === "string" && told !== "" ? holding(settings, told, []) : null;
    if (path) return path;
  }
  return null;
}

/** Where a text stands in the settings: as a value of its own, else inside of one. */
function holding(value: Json, text: string, at: Path): Path | null {
  const leaves = leavesOf(value, at);
  const found =
    leaves.find((leaf) => leaf.text === text) ??
    leaves.find((leaf) => leaf.text.includes(text) || text.endsWith(`/${leaf.text}`));
  return found?.path ?? null;
}

interface Leaf {
  path: Path;
  text: string;
}

function leavesOf(value: Json, at: Path): Leaf[] {
  if (typeof value === "string") return value.trim() === "" ? [] : [{ path: at, text: value }];
  if (typeof value !== "object" || value === null) return [];
  const entries: [string | number, Json][] = Array.isArray(value)
    ? value.map((item, index) => [index, item])
    : Object.entries(value);
  return entries.flatMap(([key, item]) => leavesOf(item, [...at, key]));
}

/** Leads to what failed: the setting behind it where it can be told, else what the node says. */
export function showFailure(node: string, failure: Failure): void {
  const known = useGraph.getState().nodes[node];
  if (!known) return;
  const path = settingBehind(failure, known.settings);
  if (path) {
    goToSetting(node, path);
    return;
  }
  setSelection([node]);
  useEditorUi.setState({ inspectorOpen: true, inspectorTab: "output" });
}
