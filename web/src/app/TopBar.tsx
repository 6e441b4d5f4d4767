import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { Mark } from "@/ui/Mark";
import classes from "./TopBar.module.css";
import { UserMenu } from "./UserMenu";
import { WorkspaceSwitch } from "./WorkspaceSwitch";

/** The bar over the pages besides the editor. */
export function TopBar({ children }: { children?: ReactNode }) {
  const { t } = useTranslation();
  return (
    <header className={classes.bar}>
      <Link href="/" className={classes.mark ?? ""} aria-label={t("menu.flows")}>
        <Mark />
      </Link>
      <WorkspaceSwitch />
      <div className={classes.middle}>{children}</div>
      <UserMenu />
    </header>
  );
}
