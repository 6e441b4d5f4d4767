/** The rows of the timeline: nodes, and in containers their rounds with the nodes in them. */
import type { NodeState } from "@/api/types";
import type { Activation, ActivationLog, Round } from "../activations";
import { isInner } from "../scopes";
import type { NodeRun } from "../types";

export interface Row {
  key: string;
  level: number;
  /** The node that a click leads to, and in which round. */
  path: string;
  scope: string;
  /** Of a round, or a record, its scope; of a node nothing. */
  round: string | null;
  activation: Activation | null;
  state: NodeState;
  from: number | null;
  /** Null as long as it is under way. */
  to: number | null;
  /** When everything it needs was there. */
  ready: number | null;
  open: boolean | null;
  critical: boolean;
  rounds: { done: number; failed: number; count: number } | null;
  /** Rounds that were counted, but not told one by one; the row stands for them. */
  untold: number;
}

export interface Wiring {
  /** The paths of the nodes that feed a node, in the same container. */
  sources: (path: string) => readonly string[];
  /** How deep in the flow it stands; breaks ties. */
  depth: (path: string) => number;
}

export interface RowsOf {
  log: ActivationLog;
  nodes: Readonly<Record<string, NodeRun>>;
  wiring: Wiring;
  opened: ReadonlySet<string>;
  begin: number;
}

export const keyOf = (path: string, scope: string): string => `${path}@${scope}`;

const began = (each: { startedAt: number | null }): number =>
  each.startedAt ?? Number.POSITIVE_INFINITY;

function inOrder(list: readonly Activation[], wiring: Wiring): Activation[] {
  return [...list].sort((a, b) => {
    const [one, other] = [began(a), began(b)];
    if (one !== other) return one < other ? -1 : 1;
    return wiring.depth(a.node) - wiring.depth(b.node) || a.seq - b.seq;
  });
}

/** All rows that are to be seen, with what is opened. */
export function rowsOf(given: RowsOf): Row[] {
  const rows: Row[] = [];
  const { log, nodes, wiring } = given;
  add(rows, log.top, 1, true, given);
  const known = new Set(log.top.map((each) => each.node));
  const idle = Object.keys(nodes).filter((path) => !known.has(path) && !isInner(path));
  idle.sort((a, b) => wiring.depth(a) - wiring.depth(b));
  for (const path of idle) rows.push(withoutTimes(path, nodes[path] as NodeRun));
  return rows;
}

function withoutTimes(path: string, node: NodeRun): Row {
  return {
    key: keyOf(path, ""),
    level: 1,
    path,
    scope: "",
    round: null,
    activation: null,
    state: node.state,
    from: node.startedAt,
    to: node.endedAt,
    ready: null,
    open: null,
    critical: false,
    rounds: null,
    untold: 0,
  };
}

function add(
  rows: Row[],
  list: readonly Activation[],
  level: number,
  matters: boolean,
  given: RowsOf,
  since?: number | null,
): void {
  const sorted = inOrder(list, given.wiring);
  const ends = new Map(sorted.map((each) => [each.node, each.endedAt]));
  const critical = matters ? criticalOf(sorted, given.wiring) : new Set<string>();
  for (const each of sorted) {
    const row = nodeRow(each, level, critical.has(each.node), given);
    row.ready = readyAt(each, ends, since ?? given.begin, given.wiring);
    rows.push(row);
    if (row.open) addRounds(rows, each, level + 1, row.critical, given);
  }
}

function readyAt(
  each: Activation,
  ends: ReadonlyMap<string, number | null>,
  since: number,
  wiring: Wiring,
): number | null {
  if (each.startedAt === null || each.state === "skipped") return null;
  let ready = since;
  for (const source of wiring.sources(each.node)) ready = Math.max(ready, ends.get(source) ?? 0);
  return ready < each.startedAt ? ready : null;
}

function nodeRow(each: Activation, level: number, critical: boolean, given: RowsOf): Row {
  const { log, nodes, opened } = given;
  const rounds = log.roundsOf(each.node, each.scope);
  const node = nodes[each.node];
  const key = keyOf(each.node, each.scope);
  return {
    key,
    level,
    path: each.node,
    scope: each.scope,
    round: each.scope.includes("#") ? each.scope : null,
    activation: each,
    state: each.state,
    from: each.startedAt,
    to: each.endedAt,
    ready: null,
    open: rounds.length > 0 ? opened.has(key) : null,
    critical,
    rounds: rounds.length > 1 ? totals(rounds, node) : null,
    untold: 0,
  };
}

function totals(rounds: readonly Round[], node: NodeRun | undefined) {
  const ended = rounds.filter((round) => round.open === 0 && round.endedAt !== null).length;
  const failed = rounds.filter((round) => round.failed > 0).length;
  return {
    done: Math.max(node?.done ?? 0, ended),
    failed: Math.max(node?.failed ?? 0, failed),
    count: Math.max(node?.total ?? 0, rounds.length),
  };
}

function addRounds(
  rows: Row[],
  container: Activation,
  level: number,
  matters: boolean,
  given: RowsOf,
): void {
  const rounds = given.log.roundsOf(container.node, container.scope);
  const only = rounds[0];
  // One round, as that of a called flow, needs no row of its own.
  if (rounds.length === 1 && only) {
    add(rows, only.nodes, level, matters, given, only.startedAt);
    return;
  }
  const last = lastOf(rounds);
  for (const round of rounds) {
    const decides = matters && round === last;
    const record = round.nodes[0];
    if (round.scope.includes("#") && record) {
      rows.push(nodeRow(record, level, decides, given));
      continue;
    }
    const row = roundRow(round, level, decides, given.opened);
    rows.push(row);
    if (row.open) {
      add(rows, round.nodes, level + 1, decides, given, round.startedAt);
    }
  }
  const total = given.nodes[container.node]?.total ?? 0;
  const untold = container.scope === "" ? total - rounds.length : 0;
  if (untold > 0) rows.push(restRow(container, level, untold));
}

function restRow(container: Activation, level: number, untold: number): Row {
  return {
    ...withoutTimes(container.node, { state: "idle", startedAt: null, endedAt: null } as NodeRun),
    key: `${keyOf(container.node, container.scope)} rest`,
    level,
    scope: container.scope,
    untold,
  };
}

function lastOf(rounds: readonly Round[]): Round | undefined {
  let last = rounds[0];
  for (const round of rounds) if ((round.endedAt ?? 0) > (last?.endedAt ?? 0)) last = round;
  return last;
}

function roundRow(
  round: Round,
  level: number,
  critical: boolean,
  opened: ReadonlySet<string>,
): Row {
  const going = round.open > 0;
  const key = `round ${round.scope}`;
  return {
    key,
    level,
    path: round.container,
    scope: round.scope,
    round: round.scope,
    activation: null,
    state: going ? "running" : round.failed > 0 ? "failed" : "completed",
    from: round.startedAt,
    to: going ? null : round.endedAt,
    ready: null,
    open: opened.has(key),
    critical,
    rounds: null,
    untold: 0,
  };
}

/** The chain of nodes that decided when the last one ended. */
export function criticalOf(list: readonly Activation[], wiring: Wiring): Set<string> {
  const found = new Set<string>();
  const byNode = new Map(list.map((each) => [each.node, each]));
  const ended = list.filter((each) => each.startedAt !== null && each.endedAt !== null);
  let at = ended.reduce<Activation | undefined>(
    (last, each) => ((each.endedAt ?? 0) >= (last?.endedAt ?? -1) ? each : last),
    undefined,
  );
  while (at && !found.has(at.node)) {
    found.add(at.node);
    let before: Activation | undefined;
    for (const source of wiring.sources(at.node)) {
      const each = byNode.get(source);
      if (each?.startedAt == null || each.endedAt === null) continue;
      if (each.endedAt > (before?.endedAt ?? -1)) before = each;
    }
    at = before;
  }
  return found;
}
