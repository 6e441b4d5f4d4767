"""The order of nodes, circles, and what lies before and after a node.

Everything here works on any flow: edges that lead nowhere are passed over, circles end.
"""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Mapping

from weft_engine.flow.model import Edge, Flow

Neighbours = Mapping[str, list[str]]


def successors(flow: Flow) -> dict[str, list[str]]:
    """The nodes right after each node, sorted."""
    return _neighbours(flow, ((edge.source, edge.target) for edge in flow.edges))


def predecessors(flow: Flow) -> dict[str, list[str]]:
    """The nodes right before each node, sorted."""
    return _neighbours(flow, ((edge.target, edge.source) for edge in flow.edges))


def incoming(flow: Flow) -> dict[str, list[Edge]]:
    """The edges into each node, in the order of their ids."""
    found: dict[str, list[Edge]] = {node: [] for node in flow.nodes}
    for edge in flow.edges:
        if edge.target in found:
            found[edge.target].append(edge)
    return found


def outgoing(flow: Flow) -> dict[str, list[Edge]]:
    """The edges out of each node, in the order of their ids."""
    found: dict[str, list[Edge]] = {node: [] for node in flow.nodes}
    for edge in flow.edges:
        if edge.source in found:
            found[edge.source].append(edge)
    return found


def order(flow: Flow) -> list[str]:
    """All nodes, each after those before it; equals in the order of their ids.

    What lies on or behind a circle has no such place and comes last.
    """
    after = successors(flow)
    waiting = {node: len(before) for node, before in predecessors(flow).items()}
    ready = [node for node, count in waiting.items() if count == 0]
    heapq.heapify(ready)
    found: list[str] = []
    while ready:
        node = heapq.heappop(ready)
        found.append(node)
        for follower in after[node]:
            waiting[follower] -= 1
            if waiting[follower] == 0:
                heapq.heappush(ready, follower)
    return found + sorted(node for node, count in waiting.items() if count > 0)


def cycles(flow: Flow) -> list[list[str]]:
    """The groups of nodes that reach themselves, each sorted, in the order of their first node."""
    after = successors(flow)
    groups = [
        sorted(group)
        for group in _components(after)
        if len(group) > 1 or group[0] in after[group[0]]
    ]
    return sorted(groups)


def closing_edges(flow: Flow) -> list[Edge]:
    """The edges without which the flow has no circle.

    Edges are drawn one after the other in the order of their ids; one that closes a circle is not.
    """
    inside = {node: at for at, group in enumerate(cycles(flow)) for node in group}
    drawn: dict[str, list[str]] = defaultdict(list)
    closing: list[Edge] = []
    for edge in flow.edges:
        group = inside.get(edge.source)
        if group is None or group != inside.get(edge.target):
            continue
        if edge.source == edge.target or edge.source in reach(drawn, edge.target):
            closing.append(edge)
        else:
            drawn[edge.source].append(edge.target)
    return closing


def ancestors(flow: Flow, node: str) -> set[str]:
    """The nodes from which `node` can be reached."""
    return reach(predecessors(flow), node)


def descendants(flow: Flow, node: str) -> set[str]:
    """The nodes that can be reached from `node`."""
    return reach(successors(flow), node)


def _neighbours(flow: Flow, pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, set[str]] = {node: set() for node in sorted(flow.nodes)}
    for node, neighbour in pairs:
        if node in found and neighbour in found:
            found[node].add(neighbour)
    return {node: sorted(others) for node, others in found.items()}


def reach(neighbours: Neighbours, start: str) -> set[str]:
    """Every node to which neighbours lead, step by step."""
    found: set[str] = set()
    open_ends = list(neighbours.get(start, ()))
    while open_ends:
        node = open_ends.pop()
        if node not in found:
            found.add(node)
            open_ends.extend(neighbours.get(node, ()))
    return found


def _components(after: Neighbours) -> list[list[str]]:
    """Strongly connected components (Tarjan), without recursion."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    path: list[str] = []
    on_path: set[str] = set()
    groups: list[list[str]] = []
    for root in after:
        work = [(root, 0)] if root not in index else []
        while work:
            node, at = work.pop()
            if at == 0:
                index[node] = low[node] = len(index)
                path.append(node)
                on_path.add(node)
            if at < len(after[node]):
                work.append((node, at + 1))
                follower = after[node][at]
                if follower not in index:
                    work.append((follower, 0))
                elif follower in on_path:
                    low[node] = min(low[node], index[follower])
                continue
            if low[node] == index[node]:
                groups.append(_pop_group(path, on_path, node))
            if work:
                low[work[-1][0]] = min(low[work[-1][0]], low[node])
    return groups


def _pop_group(path: list[str], on_path: set[str], root: str) -> list[str]:
    group: list[str] = []
    while True:
        node = path.pop()
        on_path.discard(node)
        group.append(node)
        if node == root:
            return group
