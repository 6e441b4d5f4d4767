import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { cover, differs, graphOf, uncover, useCover } from "./asItWas";
import { addNode } from "./commands";
import { closeSession, openSession } from "./session";
import { useGraph } from "./store";
import type { Flow, NodeData } from "./types";

const FLOW: Flow = {
  format: "weft/1",
  name: "Then",
  nodes: {
    a: { type: "data.generate", settings: { count: 3, fields: [] }, position: { x: 0, y: 0 } },
    b: { type: "data.filter", settings: { where: "item.n > 1" } },
    loop: { type: "control.for_each", position: { x: 9, y: 9 } },
    c: { type: "text.template", parent: "loop" },
  },
  edges: [{ source: "a", source_port: "rows", target: "b", target_port: "rows" }],
  inputs: { who: { default: "Ann" }, where: { type: "Text" } },
  notes: { n: { text: "see", position: { x: 1, y: 1 } } },
};

const other = (change: (flow: Flow) => void): Flow => {
  const flow = structuredClone(FLOW);
  change(flow);
  return flow;
};

/** A node of a flow, which is there. */
function nodeOf(flow: Flow, id: string): NodeData {
  const node = flow.nodes[id];
  if (!node) throw new Error(id);
  return node;
}

const SAME: Record<string, (flow: Flow) => void> = {
  nothing: () => {},
  "names and places": (flow) => {
    Object.assign(nodeOf(flow, "a"), { name: "A", position: { x: 500, y: 0 }, notes: "…" });
  },
  "the order of keys": (flow) => {
    nodeOf(flow, "a").settings = { fields: [], count: 3 };
    flow.inputs = { where: {}, who: { type: "Text", default: "Ann" } };
  },
  "what is the default": (flow) => {
    Object.assign(nodeOf(flow, "b"), { disabled: false, on_error: "fail" });
  },
  "a frame around it": (flow) => {
    nodeOf(flow, "b").parent = "n";
  },
};

const DIFFERENT: Record<string, (flow: Flow) => void> = {
  "a setting": (flow) => {
    nodeOf(flow, "b").settings = { where: "item.n > 2" };
  },
  "another node": (flow) => {
    flow.nodes = { ...flow.nodes, d: { type: "show.table" } };
  },
  "a node with another id": (flow) => {
    const { c, ...rest } = flow.nodes;
    flow.nodes = { ...rest, d: c ?? nodeOf(flow, "c") };
  },
  "an edge": (flow) => {
    flow.edges = flow.edges.map((edge) => ({ ...edge, target: "loop" }));
  },
  "a container": (flow) => {
    delete nodeOf(flow, "c").parent;
  },
  disabled: (flow) => {
    nodeOf(flow, "b").disabled = true;
  },
  "an input": (flow) => {
    flow.inputs = { ...flow.inputs, who: { default: "Bob" } };
  },
  "the mode": (flow) => {
    flow.mode = "streaming";
  },
};

describe("whether a flow is another one", () => {
  it.each(Object.entries(SAME))("not by %s", (_, change) => {
    expect(differs(graphOf(other(change)), FLOW)).toBe(false);
  });
  it.each(Object.entries(DIFFERENT))("by %s", (_, change) => {
    expect(differs(graphOf(other(change)), FLOW)).toBe(true);
  });
});

describe("a flow in the place of the open one", () => {
  beforeEach(() => {
    openSession({
      flowId: "f",
      user: { id: "u", name: "U", color: "#000" },
      role: "owner",
      url: null,
    });
  });
  afterEach(() => {
    uncover();
    closeSession();
  });

  it("is shown as long as it is wanted, whatever happens to the open one", () => {
    const before = addNode("data.generate", { x: 10, y: 10 }) ?? "";
    cover(FLOW);
    expect(useCover.getState().covered).toBe(true);
    expect(Object.keys(useGraph.getState().nodes)).toEqual(["a", "b", "loop", "c"]);
    expect(useGraph.getState().meta.name).toBe("Then");
    const meanwhile = addNode("data.filter", { x: 300, y: 10 }) ?? "";
    expect(useGraph.getState().nodes[meanwhile]).toBeUndefined();
    uncover();
    expect(Object.keys(useGraph.getState().nodes).sort()).toEqual([before, meanwhile].sort());
    expect(useGraph.getState().nodes[before]?.position).toEqual({ x: 10, y: 10 });
    expect(useGraph.getState().notes).toEqual({});
  });

  it("goes with the document that it covers", () => {
    cover(FLOW);
    openSession({
      flowId: "f",
      user: { id: "u", name: "U", color: "#000" },
      role: "editor",
      url: null,
    });
    expect(useCover.getState().covered).toBe(false);
    const own = addNode("data.filter", { x: 0, y: 0 }) ?? "";
    expect(Object.keys(useGraph.getState().nodes)).toEqual([own]);
  });

  it("gives nodes without a place one, and edges their ids", () => {
    cover(FLOW);
    const { nodes, edges } = useGraph.getState();
    expect(nodes.b?.position).toBeDefined();
    expect(edges.map((edge) => edge.id)).toEqual(["a.rows>b.rows"]);
  });
});
