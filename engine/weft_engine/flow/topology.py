"""The order of nodes, circles, and what lies before and after a node.

Everything here works on any flow: edges that lead nowhere are passed over, circles end.

Nodes may lie in others, their parents. What lies in a node is ordered apart: an edge counts where
its two ends part, between the two nodes of that level in which (or which) they are. An edge between
a node and what lies in it is part of no circle, and says nothing about the order.
"""

import heapq
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping

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


def parents(flow: Flow, among: Collection[str] | None = None) -> dict[str, str]:
    """The node in which each node lies; nodes that lie in none are left out.

    Args:
        flow: The flow.
        among: The nodes that others can lie in; all of them when None. Parents that are not among
            them are looked through.
    """
    own: dict[str, str] = {
        name: node.parent
        for name, node in flow.nodes.items()
        if node.parent is not None and node.parent in flow.nodes
    }
    for name in _around_themselves(own):
        del own[name]
    if among is None:
        return own
    found: dict[str, str] = {}
    for name in own:
        around = own.get(name)
        while around is not None and around not in among:
            around = own.get(around)
        if around is not None:
            found[name] = around
    return found


def _around_themselves(parent: Mapping[str, str]) -> set[str]:
    """The nodes that lie in themselves, whether at once or through others."""
    found: set[str] = set()
    known: set[str] = set()
    for name in parent:
        path: dict[str, None] = {}
        at: str | None = name
        while at is not None and at not in known and at not in path:
            path[at] = None
            at = parent.get(at)
        if at in path:
            steps = list(path)
            found.update(steps[steps.index(at) :])
        known.update(path)
    return found


def chains(flow: Flow, inside: Mapping[str, str]) -> dict[str, tuple[str, ...]]:
    """For each node the nodes it lies in, the outermost first, and itself last."""
    found: dict[str, tuple[str, ...]] = {}
    for name in flow.nodes:
        path = [name]
        while path[-1] in inside and path[-1] not in found:
            path.append(inside[path[-1]])
        for node in reversed(path):
            around = inside.get(node)
            found[node] = (*found[around], node) if around is not None else (node,)
    return found


def part(a: tuple[str, ...], b: tuple[str, ...]) -> tuple[str, str] | None:
    """Where two chains part; None when one node lies in the other."""
    for one, other in zip(a, b, strict=False):
        if one != other:
            return one, other
    return None


def order(flow: Flow, *, inside: Mapping[str, str] | None = None) -> list[str]:
    """All nodes, each after those before it; equals in the order of their ids.

    What lies on or behind a circle has no such place and comes last. What lies in a node comes
    right behind it.
    """
    around = parents(flow) if inside is None else inside
    found = sort(flow.nodes, _drawn(flow, around))
    if not around:
        return found
    members: dict[str | None, list[str]] = defaultdict(list)
    for node in found:
        members[around.get(node)].append(node)
    nested: list[str] = []
    todo = members[None][::-1]
    while todo:
        node = todo.pop()
        nested.append(node)
        todo.extend(reversed(members.get(node, ())))
    return nested


def sort(nodes: Iterable[str], pairs: Iterable[tuple[str, str]]) -> list[str]:
    """Nodes, each after those that pairs put before it; equals in the order of their ids."""
    after: dict[str, set[str]] = {node: set() for node in nodes}
    waiting = dict.fromkeys(after, 0)
    for source, target in pairs:
        if source in after and target in after and target not in after[source]:
            after[source].add(target)
            waiting[target] += 1
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


def cycles(flow: Flow, *, inside: Mapping[str, str] | None = None) -> list[list[str]]:
    """The groups of nodes that reach themselves, each sorted, in the order of their first node."""
    after = _neighbours(flow, _drawn(flow, parents(flow) if inside is None else inside))
    groups = [
        sorted(group)
        for group in _components(after)
        if len(group) > 1 or group[0] in after[group[0]]
    ]
    return sorted(groups)


def closing_edges(flow: Flow, *, inside: Mapping[str, str] | None = None) -> list[Edge]:
    """The edges without which the flow has no circle.

    Edges are drawn one after the other in the order of their ids; one that closes a circle is not.
    """
    around = parents(flow) if inside is None else inside
    groups = {n: at for at, group in enumerate(cycles(flow, inside=around)) for n in group}
    drawn: dict[str, list[str]] = defaultdict(list)
    closing: list[Edge] = []
    for edge, (source, target) in _ends(flow, around):
        group = groups.get(source)
        if group is None or group != groups.get(target):
            continue
        if source == target or source in reach(drawn, target):
            closing.append(edge)
        else:
            drawn[source].append(target)
    return closing


def _drawn(flow: Flow, inside: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    return (ends for _, ends in _ends(flow, inside))


def _ends(flow: Flow, inside: Mapping[str, str]) -> Iterator[tuple[Edge, tuple[str, str]]]:
    """Each edge with the nodes between which it counts."""
    lie = chains(flow, inside) if inside else {}
    for edge in flow.edges:
        a, b = lie.get(edge.source), lie.get(edge.target)
        if edge.source == edge.target or a is None or b is None:
            yield edge, (edge.source, edge.target)
        elif (ends := part(a, b)) is not None:
            yield edge, ends


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
