import { Button, SegmentedControl, TextInput, VisuallyHidden } from "@mantine/core";
import { useDebouncedValue, useLocalStorage } from "@mantine/hooks";
import {
  IconFileImport,
  IconHistory,
  IconLayoutGrid,
  IconList,
  IconPlus,
  IconSearch,
} from "@tabler/icons-react";
import { useMemo, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "wouter";
import { useFlows } from "@/api/flows";
import { useWorkspace } from "@/api/session";
import type { FlowInfo } from "@/api/types";
import { InputsDialog } from "@/runs/InputsDialog";
import { TopBar } from "../TopBar";
import { usePageTitle } from "../title";
import { useFlowActions } from "./actions";
import { DeleteFlow } from "./DeleteFlow";
import { DropZone } from "./DropZone";
import { FlowsView } from "./FlowsView";
import classes from "./HomePage.module.css";
import { ACCEPTED, useImport } from "./importing";
import { useLiveRuns } from "./live";

export type View = "grid" | "list";

/** To the runs of all flows. */
function RunsLink() {
  const { t } = useTranslation("runs");
  return (
    <Button component={Link} href="/runs" leftSection={<IconHistory size={15} stroke={1.7} />}>
      {t("history.title")}
    </Button>
  );
}

/** The flows of the workspace. */
export default function HomePage() {
  const { t } = useTranslation("home");
  usePageTitle(t("title"));
  const workspace = useWorkspace();
  const [query, setQuery] = useState("");
  const [asked] = useDebouncedValue(query.trim(), 200);
  const [view, setView] = useLocalStorage<View>({ key: "weft.flows.view", defaultValue: "grid" });
  const flows = useFlows(workspace?.id, asked);
  const live = useLiveRuns(workspace?.id);
  const actions = useFlowActions(workspace?.id);
  const importFiles = useImport(workspace?.id, actions.open);
  const [deleting, setDeleting] = useState<FlowInfo | null>(null);
  const mayCreate = workspace !== undefined && workspace.role !== "viewer";
  const shown = useMemo(() => flows.data?.pages.flatMap((page) => page.items) ?? [], [flows.data]);
  return (
    <DropZone enabled={mayCreate} onFiles={(files) => void importFiles(files)}>
      <TopBar />
      <main className={classes.page}>
        <div className={classes.head}>
          <h1>{t("title")}</h1>
          <Search value={query} onChange={setQuery} />
          <ViewSwitch view={view} onChange={setView} />
          <RunsLink />
          {mayCreate && (
            <>
              <ImportButton onFiles={(files) => void importFiles(files)} />
              <NewButton onClick={actions.create} />
            </>
          )}
        </div>
        <FlowsView
          flows={shown}
          pending={flows.isPending}
          error={flows.error}
          query={asked}
          view={view}
          live={live}
          actions={actions}
          mayCreate={mayCreate}
          more={flows.hasNextPage ? () => void flows.fetchNextPage() : null}
          onDelete={setDeleting}
          onClear={() => setQuery("")}
          onRetry={() => void flows.refetch()}
        />
        <InputsDialog
          inputs={actions.asked?.inputs ?? null}
          onRun={actions.answer}
          onClose={() => actions.answer(null)}
        />
        <DeleteFlow flow={deleting} onClose={() => setDeleting(null)} />
      </main>
    </DropZone>
  );
}

function Search({ value, onChange }: { value: string; onChange: (value: string) => void }) {
  const { t } = useTranslation("home");
  return (
    <TextInput
      className={classes.search ?? ""}
      type="search"
      aria-label={t("search.label")}
      placeholder={t("search.label")}
      leftSection={<IconSearch size={15} stroke={1.7} />}
      value={value}
      onChange={(event) => onChange(event.currentTarget.value)}
      data-testid="flow-search"
    />
  );
}

function ViewSwitch({ view, onChange }: { view: View; onChange: (view: View) => void }) {
  const { t } = useTranslation("home");
  const option = (value: View, Icon: typeof IconList) => ({
    value,
    label: (
      <span className={classes.option} title={t(`view.${value}`)}>
        <Icon size={16} stroke={1.6} />
        <VisuallyHidden>{t(`view.${value}`)}</VisuallyHidden>
      </span>
    ),
  });
  return (
    <SegmentedControl
      aria-label={t("view.label")}
      value={view}
      onChange={(value) => onChange(value as View)}
      data={[option("grid", IconLayoutGrid), option("list", IconList)]}
    />
  );
}

function ImportButton({ onFiles }: { onFiles: (files: File[]) => void }) {
  const { t } = useTranslation("home");
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        hidden
        multiple
        accept={ACCEPTED}
        data-testid="import-file"
        onChange={(event) => {
          onFiles([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = "";
        }}
      />
      <Button
        leftSection={<IconFileImport size={16} stroke={1.6} />}
        onClick={() => input.current?.click()}
      >
        {t("flow.import")}
      </Button>
    </>
  );
}

function NewButton({ onClick }: { onClick: () => Promise<void> }) {
  const { t } = useTranslation("home");
  const [busy, setBusy] = useState(false);
  return (
    <Button
      variant="filled"
      leftSection={<IconPlus size={16} stroke={2} />}
      loading={busy}
      data-testid="new-flow"
      onClick={() => {
        setBusy(true);
        void onClick().finally(() => setBusy(false));
      }}
    >
      {t("flow.new")}
    </Button>
  );
}
