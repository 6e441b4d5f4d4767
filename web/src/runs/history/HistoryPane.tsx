import { useMemo } from "react";
import { attachRun, useRun } from "../store";
import { History } from "./History";

/** The runs of the flow that is open; a click shows one of them on the canvas. */
export function HistoryPane({ flowId }: { flowId: string }) {
  const current = useRun((run) => run.runId);
  const where = useMemo(() => ({ flowId }), [flowId]);
  return (
    <History
      where={where}
      current={current}
      flows={null}
      onOpen={(run) => void attachRun(run.id)}
    />
  );
}
