import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { useFlows } from "@/api/flows";
import { useWorkspace } from "@/api/session";
import { TopBar } from "@/app/TopBar";
import { usePageTitle } from "@/app/title";
import { History } from "./History";
import classes from "./History.module.css";

/** The runs of all flows of the workspace. */
export default function RunsPage() {
  const { t } = useTranslation("runs");
  usePageTitle(t("history.title"));
  const [, go] = useLocation();
  const workspace = useWorkspace();
  const workspaceId = workspace?.id ?? "";
  const flows = useFlows(workspace?.id, "");
  const where = useMemo(() => ({ workspaceId }), [workspaceId]);
  const names = useMemo(() => {
    const items = flows.data?.pages.flatMap((page) => page.items) ?? [];
    return new Map(items.map((flow) => [flow.id, flow.name]));
  }, [flows.data]);
  return (
    <div className={classes.page}>
      <TopBar />
      <main className={classes.sheet}>
        <h1>{t("history.title")}</h1>
        <div className={classes.card}>
          {workspaceId && (
            <History
              key={workspaceId}
              where={where}
              current={null}
              flows={names}
              onOpen={(run) => go(`/flows/${run.flow_id}?run=${run.id}`)}
            />
          )}
        </div>
      </main>
    </div>
  );
}
