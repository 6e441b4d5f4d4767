import { useTranslation } from "react-i18next";
import { specTexts } from "@/api/catalogue";
import { useGraph } from "@/flow/store";
import { CategoryTile } from "@/ui/NodeIcon";
import { addHere } from "./add/options";
import classes from "./EmptyCanvas.module.css";
import { useCanEdit, useSpecs } from "./hooks";

/** Good first steps: where data comes from. */
const FIRST = ["file.read_csv", "file.read_text", "http.request", "flow.input"];

/** An empty canvas is an invitation: what to put there first, and how. */
export function EmptyCanvas() {
  const { t, i18n } = useTranslation("editor");
  const empty = useGraph(
    (s) => Object.keys(s.nodes).length === 0 && Object.keys(s.notes).length === 0,
  );
  const specs = useSpecs((s) => s.specs);
  const canEdit = useCanEdit();
  if (!empty) return null;
  if (!canEdit) return <p className={classes.quiet}>{t("empty.viewer")}</p>;
  const first = FIRST.flatMap((type) => specs.get(type) ?? []);
  return (
    <div className={classes.empty} data-testid="empty-canvas">
      <h2>{t("empty.title")}</h2>
      <p>{t("empty.text")}</p>
      <div className={classes.first}>
        {first.map((spec) => {
          const { name, description } = specTexts(spec, i18n.language);
          return (
            <button key={spec.type} type="button" onClick={() => addHere(spec.type)}>
              <CategoryTile name={spec.icon} category={spec.category} />
              <span>
                <b>{name}</b>
                <small>{description}</small>
              </span>
            </button>
          );
        })}
      </div>
      <p className={classes.keys}>
        <kbd>Tab</kbd> {t("empty.tab")} · {t("empty.drag")}
      </p>
    </div>
  );
}
