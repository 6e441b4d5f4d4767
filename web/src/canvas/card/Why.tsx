import { useTranslation } from "react-i18next";
import type { Failure } from "@/api/types";
import { showFailure } from "@/editor/goTo";
import { describeFailure, inOneLine } from "@/ui/errorText";
import classes from "./Why.module.css";

/** One line of what went wrong, and the way to the rest. */
export function Why({ id, failure }: { id: string; failure: Failure }) {
  const { t, i18n } = useTranslation("editor");
  const said = describeFailure(failure, i18n.language);
  return (
    <div className={classes.why}>
      <span title={inOneLine(said)}>{said.message}</span>
      <button
        type="button"
        className={`nodrag ${classes.button}`}
        onClick={(event) => {
          event.stopPropagation();
          showFailure(id, failure);
        }}
      >
        {t("card.details")}
      </button>
    </div>
  );
}
