import { useGraph } from "@/flow/store";
import { InputsDialog } from "@/runs/InputsDialog";
import { run, useStarting } from "../run/run";

/** Asks for the values of the flow's inputs before a run. */
export function RunInputs() {
  const asking = useStarting((s) => s.asking);
  const inputs = useGraph((s) => s.meta.inputs);
  return (
    <InputsDialog
      inputs={asking && inputs}
      onRun={(values) => void run({ ...asking, inputs: values })}
      onClose={() => useStarting.setState({ asking: null })}
    />
  );
}
