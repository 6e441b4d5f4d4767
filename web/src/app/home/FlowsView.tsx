import { Button } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { FlowInfo } from "@/api/types";
import { useErrorText } from "@/ui/useErrorText";
import type { FlowActions } from "./actions";
import { FlowCard } from "./FlowCard";
import { FlowPicture } from "./FlowPicture";
import { FlowRow } from "./FlowRow";
import classes from "./Flows.module.css";
import page from "./HomePage.module.css";
import { type LastRun, lastRunOf } from "./live";

interface FlowsViewProps {
  flows: FlowInfo[];
  pending: boolean;
  error: Error | null;
  query: string;
  view: "grid" | "list";
  live: Readonly<Record<string, LastRun>>;
  actions: FlowActions;
  mayCreate: boolean;
  more: (() => void) | null;
  onDelete: (flow: FlowInfo) => void;
  onClear: () => void;
  onRetry: () => void;
}

/** The flows as cards or rows, or why there are none. */
export function FlowsView(props: FlowsViewProps) {
  const { t } = useTranslation("home");
  if (props.error && props.flows.length === 0) return <Failed {...props} />;
  if (props.pending) return <Loading />;
  if (props.flows.length === 0) return props.query ? <NoMatch {...props} /> : <Empty {...props} />;
  return (
    <>
      {props.view === "grid" ? <Cards {...props} /> : <Rows {...props} />}
      {props.more && (
        <div className={page.more}>
          <Button onClick={props.more}>{t("list.more")}</Button>
        </div>
      )}
    </>
  );
}

function Cards({ flows, live, actions, onDelete }: FlowsViewProps) {
  return (
    <div className={classes.grid}>
      {flows.map((flow) => (
        <FlowCard
          key={flow.id}
          flow={flow}
          run={lastRunOf(flow, live)}
          actions={actions}
          onDelete={onDelete}
        />
      ))}
    </div>
  );
}

function Rows({ flows, live, actions, onDelete }: FlowsViewProps) {
  const { t } = useTranslation(["home", "common"]);
  return (
    <table className={classes.table}>
      <thead>
        <tr>
          <td />
          <th>{t("list.name")}</th>
          <th>{t("list.purpose")}</th>
          <th>{t("list.last_run")}</th>
          <th>{t("list.updated")}</th>
          <th>
            <span className="visually-hidden">{t("action.more", { ns: "common" })}</span>
          </th>
        </tr>
      </thead>
      <tbody>
        {flows.map((flow) => (
          <FlowRow
            key={flow.id}
            flow={flow}
            run={lastRunOf(flow, live)}
            actions={actions}
            onDelete={onDelete}
          />
        ))}
      </tbody>
    </table>
  );
}

function Loading() {
  return (
    <div className={classes.grid} aria-busy="true">
      {["a", "b", "c", "d"].map((key) => (
        <div key={key} className={page.ghost} />
      ))}
    </div>
  );
}

const SKETCH = {
  nodes: [
    { x: 0, y: 60, category: "source" },
    { x: 290, y: 0, category: "process" },
    { x: 290, y: 120, category: "ai" },
    { x: 580, y: 60, category: "output" },
  ],
  edges: [
    [0, 1],
    [0, 2],
    [1, 3],
    [2, 3],
  ] as [number, number][],
};

function Empty({ mayCreate, actions }: FlowsViewProps) {
  const { t } = useTranslation("home");
  return (
    <div className={page.blank} data-testid="flows-empty">
      <FlowPicture preview={SKETCH} width={300} height={92} margin={6} />
      <h2>{t("empty.title")}</h2>
      <p>{mayCreate ? t("empty.text") : t("empty.readonly")}</p>
      {mayCreate && (
        <div className={page.blankActions}>
          <Button variant="filled" onClick={() => void actions.create()}>
            {t("flow.new")}
          </Button>
        </div>
      )}
    </div>
  );
}

function NoMatch({ query, onClear }: FlowsViewProps) {
  const { t } = useTranslation("home");
  return (
    <div className={page.blank}>
      <h2>{t("none.title", { query })}</h2>
      <p>{t("none.text")}</p>
      <div className={page.blankActions}>
        <Button onClick={onClear}>{t("none.clear")}</Button>
      </div>
    </div>
  );
}

function Failed({ error, onRetry }: FlowsViewProps) {
  const { t } = useTranslation(["home", "common"]);
  const describe = useErrorText();
  const { message, hint } = describe(error);
  return (
    <div className={page.blank} role="alert">
      <h2>{t("failed.title")}</h2>
      <p>
        {message} {hint}
      </p>
      <div className={page.blankActions}>
        <Button onClick={onRetry}>{t("action.retry", { ns: "common" })}</Button>
      </div>
    </div>
  );
}
