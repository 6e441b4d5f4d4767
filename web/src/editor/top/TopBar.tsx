import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { useSession as useAccount } from "@/api/session";
import type { FlowInfo } from "@/api/types";
import { UserMenu } from "@/app/UserMenu";
import { Mark } from "@/ui/Mark";
import { ShareButton } from "../share/ShareButton";
import { TriggersButton } from "../triggers/TriggersButton";
import { FlowTitle } from "./FlowTitle";
import { People } from "./People";
import { RunButton } from "./RunButton";
import { SavedState } from "./SavedState";
import classes from "./TopBar.module.css";

/** The bar over the editor. */
export function TopBar({ flow }: { flow: FlowInfo }) {
  const { t } = useTranslation("editor");
  const { workspaces } = useAccount();
  const workspace = workspaces.find((w) => w.id === flow.workspace_id);
  return (
    <header className={classes.bar}>
      <Link
        href="/"
        className={classes.mark ?? ""}
        aria-label={t("top.home")}
        title={t("top.home")}
      >
        <Mark />
      </Link>
      <div className={classes.crumb}>
        {workspace && (
          <>
            <Link href="/" className={classes.workspace ?? ""}>
              {workspace.name}
            </Link>
            <span className={classes.slash} aria-hidden>
              /
            </span>
          </>
        )}
        <FlowTitle fallback={flow.name} />
      </div>
      <SavedState />
      {flow.role === "viewer" && <span className={classes.viewer}>{t("viewer.badge")}</span>}
      <span className={classes.space} />
      <People />
      <TriggersButton flowId={flow.id} />
      <ShareButton flow={flow} />
      <RunButton />
      <UserMenu />
    </header>
  );
}
