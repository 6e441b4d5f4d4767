import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { namedPorts } from "./dynamicPorts";
import { infer, portId } from "./infer";
import { aroundOf, innerId } from "./nesting";
import { type PortType, typeText } from "./ports";
import { BODY, sectionsOf } from "./sections";
import type { EdgeEnds, FlowNode, Json, NodeData, PortsFromLike, SpecLike } from "./types";

const VECTORS = join(__dirname, "../../../tests/vectors");
const vectors = <T>(name: string): T => JSON.parse(readFileSync(join(VECTORS, name), "utf8")) as T;

interface Case {
  name: string;
  nodes: Record<string, NodeData>;
  edges: EdgeEnds[];
  around: Record<string, string>;
  sections: Record<string, string>;
  outputs: Record<string, string>;
  inner: Record<string, string>;
  edge_hows: Record<string, string>;
}

const { specs: given, cases } = vectors<{ specs: SpecLike[]; cases: Case[] }>("nesting.json");
const specs = new Map(given.map((spec) => [spec.type, { ...spec, settings: {} } as SpecLike]));

/** What is not known is `Any` in Python and stays a variable here. */
const plain = (type: PortType): string => typeText(type).replace(/\b[A-Z]\b/g, "Any");
const how = (text: string): string => (text === "subtype" ? "same" : text);

describe("containers, as in Python", () => {
  it.each(cases)("$name", (each) => {
    const nodes = Object.fromEntries(
      Object.entries(each.nodes).map(([id, node]) => {
        const made: FlowNode = { settings: {}, position: { x: 0, y: 0 }, ...node, id };
        return [id, made];
      }),
    );
    const edges = each.edges.map((ends) => ({
      ...ends,
      id: `${ends.source}.${ends.source_port}>${ends.target}.${ends.target_port}`,
    }));
    const around = aroundOf(nodes, specs);
    expect(Object.fromEntries(around)).toEqual(each.around);

    const sections: Record<string, string> = {};
    for (const [id, node] of Object.entries(nodes)) {
      const inside = specs.get(node.type)?.inside;
      const members = Object.keys(each.around).filter((name) => each.around[name] === id);
      if (!inside) continue;
      const found = sectionsOf(id, inside, members, edges, around);
      for (const member of members) sections[member] = found.get(member) ?? BODY;
    }
    expect(sections).toEqual(each.sections);

    const inferred = infer(nodes, edges, specs);
    const types = (told: Record<string, string>, handle: (port: string) => string) =>
      Object.fromEntries(
        Object.keys(told).map((key) => {
          const [node = "", port = ""] = key.split(".");
          const type = inferred.outputs.get(portId(node, handle(port)));
          return [key, type ? plain(type) : "missing"];
        }),
      );
    expect(types(each.outputs, (port) => port)).toEqual(each.outputs);
    expect(types(each.inner, innerId)).toEqual(each.inner);
    const hows = Object.entries(each.edge_hows).map(([id, told]) => [id, how(told)]);
    expect(edges.map(({ id }) => [id, how(inferred.edges.get(id) ?? "missing")])).toEqual(hows);
  });
});

interface PortsCase {
  name: string;
  source: PortsFromLike;
  settings: Record<string, Json>;
  default?: unknown;
  ports: string[];
}

describe("ports that a setting names, as in Python", () => {
  it.each(vectors<PortsCase[]>("ports_from.json"))("$name", (each) => {
    expect(namedPorts(each.source, each.settings, each.default)).toEqual(each.ports);
  });
});
