import { IconChevronRight } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import classes from "./Picker.module.css";
import { crumbsOf } from "./paths";

/** The way to a folder, each step a button. */
export function Crumbs({ folder, onGo }: { folder: string; onGo: (folder: string) => void }) {
  const { t } = useTranslation("files");
  const steps = [{ name: t("root"), path: "" }, ...crumbsOf(folder)];
  return (
    <ol className={classes.crumbs} aria-label={t("path")} data-testid="crumbs">
      {steps.map(({ name, path }, index) => (
        <li key={path}>
          {index > 0 && <IconChevronRight size={13} stroke={1.7} aria-hidden="true" />}
          <button
            type="button"
            title={name}
            aria-current={path === folder ? "location" : undefined}
            onClick={() => onGo(path)}
          >
            {name}
          </button>
        </li>
      ))}
    </ol>
  );
}
