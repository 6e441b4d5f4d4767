"""Which nodes a run is made of, when it is not to be all of them."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from weft_engine.compiler.asked import require_node
from weft_engine.flow.model import Edge, Flow
from weft_engine.flow.topology import ancestors, descendants, incoming


@dataclass(frozen=True, slots=True)
class Selection:
    """The nodes that run, and those whose earlier outputs are used instead."""

    run: frozenset[str]
    reused: frozenset[str] = frozenset()


def select(
    flow: Flow,
    *,
    from_node: str | None = None,
    to_node: str | None = None,
    reusable: Callable[[str, Collection[str]], bool] = lambda node, ports: False,
    captures: Mapping[str, Collection[tuple[str, str]]] = MappingProxyType({}),
) -> Selection:
    """Choose the nodes of a run.

    Args:
        flow: The flow; of a program the flow of its own scope, `top.compiled.flow`.
        from_node: Run this node and what follows it. Nodes before it run only when their earlier
            outputs cannot be used.
        to_node: Run this node and what it needs, nothing else.
        reusable: Whether the earlier outputs of some ports of a node can be used.
        captures: What the insides of containers read, as in `ScopePlan.captures`.

    Raises:
        FlowError: `run.unknown_node`.
    """
    for name in (from_node, to_node):
        if name is not None:
            require_node(flow, name)
    if captures:
        flow = flow.model_copy(update={"edges": (*flow.edges, *_captured(captures))})
    wanted = set(flow.nodes)
    if from_node is not None:
        wanted = descendants(flow, from_node) | {from_node}
    if to_node is not None:
        wanted &= ancestors(flow, to_node) | {to_node}
    if from_node is None and to_node is None:
        return Selection(frozenset(wanted))
    return _complete(flow, wanted, reusable if from_node is not None else _nothing)


def _complete(
    flow: Flow, wanted: set[str], reusable: Callable[[str, Collection[str]], bool]
) -> Selection:
    """Add what the wanted nodes need, as far back as earlier outputs do not do."""
    into = incoming(flow)
    needed: dict[str, set[str]] = {}
    todo = sorted(wanted)
    run, reused = set(wanted), set()
    while todo:
        node = todo.pop()
        if flow.nodes[node].pinned is not None or flow.nodes[node].disabled:
            continue
        for edge in into[node]:
            source = edge.source
            if source in run or source not in flow.nodes:
                continue
            needed.setdefault(source, set()).add(edge.source_port)
            if flow.nodes[source].pinned is None and reusable(source, needed[source]):
                reused.add(source)
            else:
                reused.discard(source)
                run.add(source)
                todo.append(source)
    return Selection(frozenset(run), frozenset(reused))


def behind(flow: Flow, node: str, captures: Mapping[str, Collection[tuple[str, str]]]) -> set[str]:
    """The nodes of a scope that depend on one of them, also by what their insides read."""
    edges = (*flow.edges, *_captured(captures))
    return descendants(flow.model_copy(update={"edges": edges}), node)


def _captured(captures: Mapping[str, Collection[tuple[str, str]]]) -> Iterator[Edge]:
    """What the inside of a container reads, as if it were wired to the container."""
    for container, reads in captures.items():
        for node, port in reads:
            yield Edge(source=node, source_port=port, target=container, target_port=port)


def _nothing(node: str, ports: Collection[str]) -> bool:
    return False
