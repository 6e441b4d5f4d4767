import { createContext, useContext } from "react";
import type * as Y from "yjs";
import type { Fix, NodeSpec, Problem } from "@/api/types";
import type { Path } from "./problems";

export interface FormContext {
  spec: NodeSpec;
  language: string;
  readOnly: boolean;
  columns: readonly string[];
  /** What expressions may name beside the columns, such as `vars.limit`. */
  names: readonly string[];
  problems: readonly Problem[];
  texts: Readonly<Record<string, Y.Text>>;
  onFix: ((fix: Fix) => void) | undefined;
}

export const FormContext = createContext<FormContext | null>(null);

export function useForm(): FormContext {
  const form = useContext(FormContext);
  if (!form) throw new Error("used outside of a SchemaForm");
  return form;
}

/** What every control is given. */
export interface ControlProps<T> {
  path: Path;
  value: T | undefined;
  /** Undefined returns to the default. */
  onChange: (value: T | undefined) => void;
  label: string;
  labelId?: string;
  invalid?: boolean;
}
