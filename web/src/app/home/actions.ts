import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "wouter";
import { ApiError, api } from "@/api/client";
import { createFlow, duplicateFlow, flowDefinition, refreshFlows, renameFlow } from "@/api/flows";
import type { FlowInfo, Json, RunInfo, StartRun } from "@/api/types";
import type { Inputs } from "@/runs/InputsDialog";
import { download, fileName } from "@/ui/download";
import { describeCoded } from "@/ui/errorText";
import { notify } from "@/ui/notify";
import { useErrorText } from "@/ui/useErrorText";

/** A flow that waits for the values of its inputs. */
export interface Asked {
  flow: FlowInfo;
  inputs: Inputs;
}

export interface FlowActions {
  create: () => Promise<void>;
  open: (flow: FlowInfo) => void;
  rename: (flow: FlowInfo, name: string) => Promise<void>;
  duplicate: (flow: FlowInfo) => Promise<void>;
  exportFile: (flow: FlowInfo) => Promise<void>;
  /** Runs a flow; one that asks for something asks first. */
  run: (flow: FlowInfo) => Promise<void>;
  asked: Asked | null;
  answer: (inputs: Record<string, Json> | null) => void;
  stop: (runId: string) => Promise<void>;
}

/** What one can do with flows from the list; failures are told in the corner. */
export function useFlowActions(workspaceId: string | undefined): FlowActions {
  const { t, i18n } = useTranslation("home");
  const describe = useErrorText();
  const [, navigate] = useLocation();
  const [asked, setAsked] = useState<Asked | null>(null);

  async function attempt(work: () => Promise<unknown>): Promise<void> {
    try {
      await work();
    } catch (error) {
      notify.problem(describe(error));
    }
  }

  const open = (flow: FlowInfo) => navigate(`/flows/${flow.id}`);

  /** The first of its problems, or the input that it lacks. */
  function whyNot(error: ApiError): string {
    const first = error.problems[0];
    if (!first) return describe(error).message;
    const { message } = describeCoded(first, i18n.language);
    return t("run.problems", { count: error.problems.length, first: message });
  }

  async function runOrAsk(flow: FlowInfo): Promise<void> {
    const inputs = (await flowDefinition(flow.id)).inputs ?? {};
    if (Object.keys(inputs).length === 0) await startRun(flow, {});
    else setAsked({ flow, inputs: inputs as Inputs });
  }

  function answer(inputs: Record<string, Json> | null): void {
    if (asked && inputs) void attempt(() => startRun(asked.flow, { inputs }));
    setAsked(null);
  }

  async function startRun(flow: FlowInfo, asking: StartRun): Promise<void> {
    try {
      await api.post<RunInfo>(`/flows/${flow.id}/runs`, asking);
      await refreshFlows();
    } catch (error) {
      if (!(error instanceof ApiError) || error.status !== 422) throw error;
      notify.error({
        title: t("run.invalid", { name: flow.name }),
        text: whyNot(error),
        action: { label: t("run.open"), run: () => open(flow) },
      });
    }
  }

  return {
    open,
    create: () =>
      attempt(async () => {
        if (workspaceId) open(await createFlow(workspaceId, t("flow.untitled")));
      }),
    rename: (flow, name) =>
      attempt(async () => {
        await renameFlow(flow.id, name);
        await refreshFlows();
      }),
    duplicate: (flow) =>
      attempt(async () => {
        await duplicateFlow(flow.id);
        await refreshFlows();
      }),
    exportFile: (flow) =>
      attempt(async () => {
        const definition = await flowDefinition(flow.id);
        download(fileName(flow.name, "weft.json"), `${JSON.stringify(definition, null, 2)}\n`);
      }),
    run: (flow) => attempt(() => runOrAsk(flow)),
    asked,
    answer,
    stop: (runId) => attempt(() => api.post(`/runs/${runId}/cancel`)),
  };
}
