import { useTranslation } from "react-i18next";
import { api } from "@/api/client";
import { importFlow, importFlowFile, refreshFlows } from "@/api/flows";
import type { CheckResult, FlowFile, FlowInfo } from "@/api/types";
import { notify } from "@/ui/notify";
import { useErrorText } from "@/ui/useErrorText";

const LARGEST = 1_000_000;
const TIME_TO_OPEN = 12_000;
export const ACCEPTED = ".json,.yaml,.yml,application/json,application/yaml,text/yaml";

/** Reads JSON; undefined when the text is something else, such as YAML. */
export function asJson(text: string): unknown {
  if (!text.trimStart().startsWith("{")) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Whether a file may be a flow file at all, before it is sent to the server. */
export function looksLikeFlow(text: string): boolean {
  return /(^|[\s"'{,])format["']?\s*:/.test(text) || /(^|[\s"'{,])nodes["']?\s*:/.test(text);
}

async function send(workspaceId: string, text: string): Promise<FlowInfo> {
  const parsed = asJson(text);
  return parsed === undefined
    ? await importFlow(workspaceId, text)
    : await importFlowFile(workspaceId, parsed as FlowFile);
}

/** How much must be fixed before it runs; that it is imported holds without an answer. */
async function problemCount(flow: FlowInfo): Promise<number> {
  try {
    const { problems } = await api.post<CheckResult>(`/flows/${flow.id}/check`);
    return problems.filter((problem) => problem.severity === "error").length;
  } catch {
    return 0;
  }
}

/** Imports flow files one after the other and says what became of each. */
export function useImport(workspaceId: string | undefined, open: (flow: FlowInfo) => void) {
  const { t } = useTranslation("home");
  const describe = useErrorText();

  async function importOne(file: File): Promise<FlowInfo | null> {
    const name = file.name;
    if (file.size > LARGEST) {
      notify.error({ title: t("import.too_big", { name }) });
      return null;
    }
    const text = await file.text();
    if (!workspaceId) return null;
    if (!looksLikeFlow(text)) {
      notify.error({ title: t("import.not_flow", { name }), text: t("import.not_flow_hint") });
      return null;
    }
    try {
      const flow = await send(workspaceId, text);
      const count = await problemCount(flow);
      const said = count > 0 ? t("flow.imported_problems", { name: flow.name, count }) : "";
      const note = {
        text: said || t("flow.imported", { name: flow.name }),
        stay: TIME_TO_OPEN,
        action: { label: t("run.open"), run: () => open(flow) },
      };
      if (count > 0) notify.info(note);
      else notify.good(note);
      return flow;
    } catch (error) {
      notify.problem(describe(error), t("import.failed", { name }));
      return null;
    }
  }

  return async (files: Iterable<File>): Promise<FlowInfo[]> => {
    const made: FlowInfo[] = [];
    for (const file of files) {
      const flow = await importOne(file);
      if (flow) made.push(flow);
    }
    if (made.length > 0) await refreshFlows();
    return made;
  };
}
