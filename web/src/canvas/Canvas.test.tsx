import { MantineProvider } from "@mantine/core";
import { act, render, screen, within } from "@testing-library/react";
import { ReactFlowProvider } from "@xyflow/react";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { NodeSpec } from "@/api/types";
import { addNode, setField, setSetting } from "@/flow/commands";
import { closeSession } from "@/flow/session";
import { SPECS } from "@/flow/testing/catalogue";
import { openTestSession } from "@/flow/testing/session";
import { IDLE_NODE, NO_RUN } from "@/runs/reduce";
import { useRun } from "@/runs/store";
import { Canvas } from "./Canvas";
import { useSpecs } from "./hooks";
import { setProblems } from "./problems";

/** The catalogue of the document's tests, with what cards show besides. */
function describedSpecs(): ReadonlyMap<string, NodeSpec> {
  const described = [...SPECS.values()].map((spec) => ({
    ...spec,
    description: `${spec.name} does its work.`,
    icon: "filter",
    subtitle: spec.type === "data.filter" ? "where {where}" : "",
    version: 1,
  }));
  return new Map(described.map((spec) => [spec.type, spec as NodeSpec]));
}

function show(): void {
  render(
    <MantineProvider>
      <ReactFlowProvider initialWidth={1200} initialHeight={800}>
        <Canvas />
      </ReactFlowProvider>
    </MantineProvider>,
  );
}

const cardOf = (id: string): HTMLElement => {
  const found = screen
    .getAllByTestId("node-card")
    .find((card) => card.getAttribute("data-node-id") === id);
  if (!found) throw new Error(`no card ${id}`);
  return found;
};

describe("the canvas", () => {
  let read = "";
  let keep = "";

  beforeEach(() => {
    openTestSession();
    useSpecs.setState({ specs: describedSpecs() });
    read = addNode("file.read_csv", { x: 0, y: 0 }) ?? "";
    keep =
      addNode(
        "data.filter",
        { x: 300, y: 0 },
        {
          from: { node: read, port: "rows", side: "source" },
          port: "rows",
        },
      ) ?? "";
    setSetting(keep, "where", "item.amount > 100");
    show();
  });

  afterEach(() => {
    closeSession();
    useRun.setState(NO_RUN, true);
    setProblems([]);
  });

  it("shows nodes by name, with what they do, and the edge between them", () => {
    expect(within(cardOf(keep)).getByText("Filter")).toBeTruthy();
    expect(within(cardOf(keep)).getByText("where item.amount > 100")).toBeTruthy();
    expect(document.querySelectorAll(".react-flow__edge")).toHaveLength(1);
  });

  it("says what is still needed", () => {
    expect(within(cardOf(read)).getByText("Needs: path")).toBeTruthy();
  });

  it("colours a port by what flows into it", () => {
    const ports = document.querySelectorAll(`[data-nodeid="${keep}"]`);
    expect([...ports].map((port) => port.getAttribute("data-family"))).toEqual(["rows", "rows"]);
  });

  it("follows a run: counts on the edge, a check, the reason of a failure", () => {
    act(() =>
      useRun.setState({
        runId: "run_1",
        state: "failed",
        nodes: {
          [read]: {
            ...IDLE_NODE,
            state: "completed",
            durationMs: 1800,
            counts: { in: 0, out: { rows: 4242 } },
          },
          [keep]: {
            ...IDLE_NODE,
            state: "failed",
            durationMs: 12,
            failure: { code: "expression.missing_field", message: "There is no field amont" },
          },
        },
      }),
    );
    expect(cardOf(read).getAttribute("data-state")).toBe("completed");
    expect(cardOf(read).textContent).toContain("✓1.8 s");
    expect(screen.getByText("4,242")).toBeTruthy();
    expect(cardOf(keep).getAttribute("data-state")).toBe("failed");
    expect(within(cardOf(keep)).getByText("There is no field amont")).toBeTruthy();
  });

  it("marks what is turned off and what is not known", () => {
    act(() => setField(keep, "disabled", true));
    expect(cardOf(keep).getAttribute("data-state")).toBe("disabled");
    let odd = "";
    act(() => {
      odd = addNode("no.such", { x: 0, y: 300 }) ?? "";
    });
    expect(cardOf(odd).getAttribute("data-state")).toBe("missing");
  });

  it("shows the gravest problem of a node", () => {
    act(() =>
      setProblems([
        { code: "check.unreachable", severity: "warning", message: "unreachable", node: keep },
        { code: "check.bad_setting", severity: "error", message: "bad setting", node: keep },
      ]),
    );
    expect(within(cardOf(keep)).getByLabelText("Bad setting")).toBeTruthy();
  });
});
