import { MantineProvider } from "@mantine/core";
import { render, screen } from "@testing-library/react";
import { vi } from "vitest";
import type { Json, JsonSchema, NodeSpec, Problem } from "@/api/types";
import { SchemaForm } from "./SchemaForm";

/** A node type with these settings. */
export function specOf(
  properties: Record<string, JsonSchema>,
  more: Partial<JsonSchema> = {},
): NodeSpec {
  return {
    type: "test.node",
    name: "Test",
    category: "process",
    description: "",
    icon: "",
    version: 1,
    inputs: [],
    outputs: [],
    settings: { type: "object", properties, ...more },
    i18n: { zh: { settings: { where: ["条件", "满足时保留。"], "by.field": "依据的列" } } },
  };
}

interface Shown {
  values?: Record<string, Json>;
  problems?: Problem[];
  columns?: string[];
  readOnly?: boolean;
  onFix?: () => void;
}

/** Draws the form of a node type; `again` draws it with other values. */
export function show(spec: NodeSpec, options: Shown = {}) {
  const onChange = vi.fn<(key: string, value: Json | undefined) => void>();
  const form = (values: Record<string, Json>) => (
    <MantineProvider env="test">
      <SchemaForm spec={spec} {...options} values={values} onChange={onChange} />
    </MantineProvider>
  );
  const view = render(form(options.values ?? {}));
  const again = (values: Record<string, Json>) => view.rerender(form(values));
  return { onChange, again, field: (key: string) => screen.getByTestId(`setting-${key}`) };
}

export const inputs = (field: HTMLElement) => [...field.querySelectorAll("input")];
export const textbox = (field: HTMLElement) => inputs(field)[0] as HTMLInputElement;
