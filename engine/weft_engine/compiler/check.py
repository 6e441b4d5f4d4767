"""Finding the problems of a flow.

    check(flow, catalogue) -> list[Problem]

Problems are data: a code, a message, where it is, and fixes that are patches. A check works on any
flow, however broken, never raises, and always gives the same list in the same order: errors first,
then by the order of the nodes in the flow.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from weft_engine.compiler import (
    rules_calls,
    rules_containers,
    rules_edges,
    rules_graph,
    rules_nodes,
    streaming_rules,
)
from weft_engine.compiler.problems import SEVERITIES, Facts, Fix, Problem, Severity
from weft_engine.compiler.scopes import Scopes, split
from weft_engine.compiler.wiring import Wiring, infer
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue

__all__ = ["Fix", "Problem", "Severity", "Wiring", "check", "has_errors", "infer"]


def check(
    flow: Flow,
    catalogue: Catalogue,
    *,
    wiring: Wiring | None = None,
    scopes: Scopes | None = None,
    flows: Mapping[str, Any] | None = None,
) -> list[Problem]:
    """Find the problems of a flow.

    Args:
        flow: The flow.
        catalogue: The node types it may use.
        wiring: Saves inferring it again.
        scopes: Saves splitting it again.
        flows: The flows that can be called, by name, as plain data. What is called is not looked
            at when they are not given.
    """
    found = scopes or split(flow, catalogue)
    return _check(flow, catalogue, found, wiring, flows, {})


def _check(
    flow: Flow,
    catalogue: Catalogue,
    scopes: Scopes,
    wiring: Wiring | None,
    flows: Mapping[str, Any] | None,
    known: dict[str, str | None],
) -> list[Problem]:
    facts = Facts(flow, catalogue, wiring or infer(flow, catalogue, scopes), scopes, flows)
    places = {node: at for at, node in enumerate(facts.wiring.order)}

    def rank(found: Problem) -> tuple[int, int, str, str, str, str, str]:
        return (
            SEVERITIES.index(found.severity),
            places.get(found.node or "", -1),
            found.code,
            found.port or "",
            found.edge or "",
            repr(found.path),
            found.message,
        )

    def first_error(name: str, called: Flow) -> str | None:
        """Of a flow that is called; each is looked at once."""
        if name not in known:
            found = _check(called, catalogue, split(called, catalogue), None, flows, known)
            known[name] = found[0].message if has_errors(found) else None
        return known[name]

    found = (*_find(facts), *rules_calls.rules(facts, first_error))
    return sorted((_named(facts, each) for each in found), key=rank)


def _named(facts: Facts, found: Problem) -> Problem:
    """With the name of its node among the parts of its message."""
    if found.node is None:
        return found
    named = {"node_name": facts.name(found.node), **found.params}
    return found.model_copy(update={"params": named})


def has_errors(problems: list[Problem]) -> bool:
    """Whether one of the problems keeps the flow from running."""
    return any(found.severity == "error" for found in problems)


def _find(facts: Facts) -> Iterator[Problem]:
    yield from rules_nodes.rules(facts)
    yield from rules_edges.rules(facts)
    yield from rules_graph.rules(facts)
    yield from rules_containers.rules(facts)
    yield from streaming_rules.rules(facts)
