import { useMemo } from "react";
import { useGraph } from "@/flow/store";

const WORD = /^[\p{L}_][\p{L}\p{N}_]*$/u;

/** The variables and inputs of the flow, as expressions name them. */
export function useNames(): string[] {
  const variables = useGraph((s) => s.meta.variables);
  const inputs = useGraph((s) => s.meta.inputs);
  return useMemo(
    () => [
      ...named("vars", Object.keys(variables ?? {})),
      ...named("inputs", Object.keys(inputs ?? {})),
    ],
    [variables, inputs],
  );
}

const named = (head: string, names: readonly string[]): string[] =>
  names.filter((name) => WORD.test(name)).map((name) => `${head}.${name}`);
