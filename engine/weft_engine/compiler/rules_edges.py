"""Rules about edges: where they lead, what they carry."""

import difflib
from collections import Counter
from collections.abc import Iterator

from weft_engine.compiler import fixes
from weft_engine.compiler.problems import Facts, Fix, Problem, Severity, fix, problem
from weft_engine.flow.model import Edge
from weft_engine.flow.ops import SetField, remove_edge
from weft_engine.nodes.port_type import PortType
from weft_engine.nodes.port_words import in_chinese, in_words
from weft_engine.nodes.spec import ERROR_PORT

_MOST_REMOVALS = 6


def rules(facts: Facts) -> Iterator[Problem]:
    """What is wrong with edges."""
    drawn = Counter(edge.id for edge in facts.flow.edges)
    for edge in dict.fromkeys(facts.flow.edges):
        if drawn[edge.id] > 1:
            yield _duplicate(facts, edge, drawn[edge.id])
        if edge.source not in facts.flow.nodes or edge.target not in facts.flow.nodes:
            yield _dangling(facts, edge)
            continue
        if edge.id in facts.misplaced:
            continue
        ports = list(_ports(facts, edge))
        yield from ports
        if not ports:
            yield from _types(facts, edge)
    yield from _taken(facts)


def _severity(facts: Facts, edge: Edge) -> Severity:
    return "error" if facts.enabled(edge.source) and facts.enabled(edge.target) else "warning"


def _duplicate(facts: Facts, edge: Edge, count: int) -> Problem:
    extra = [remove_edge(edge)] * (count - 1)
    return problem(
        "duplicate_edge",
        f"the edge from {facts.sender(edge.source, edge.source_port)} is drawn {count} times",
        hint="Keep one of them.",
        node=edge.target if edge.target in facts.flow.nodes else None,
        port=edge.target_port,
        edge=edge.id,
        fixes=[fix("remove_duplicate", "Keep one of them", *extra)],
        count=count,
    )


def _dangling(facts: Facts, edge: Edge) -> Problem:
    ends = ("source", "target")
    gone = [end for end in ends if getattr(edge, end) not in facts.flow.nodes]
    name = getattr(edge, gone[0])
    known = sorted(facts.flow.nodes) if facts.may_search() else []
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    offered: list[Fix] = []
    if close and len(gone) == 1:
        moved = edge.model_copy(update={gone[0]: close[0]})
        if moved not in facts.flow.edges and moved.source != moved.target:
            offered.append(fixes.reconnect(facts, edge, **{gone[0]: close[0]}))
    other = edge.target if gone[0] == "source" else edge.source
    known_end = facts.label(other) if len(gone) == 1 else ""
    return problem(
        "dangling_edge",
        f"{_loose_end(gone[0], known_end, name)}, and there is no such node",
        hint=f"Did you mean {close[0]!r}?" if close else "Remove the edge.",
        node=other if other in facts.flow.nodes else None,
        edge=edge.id,
        fixes=[*offered, fixes.remove(facts, edge)],
        missing=name,
        nearest=close[0] if close else None,
    )


def _loose_end(gone: str, other: str, missing: str) -> str:
    if gone == "source":
        return (
            f"an edge to {other} comes from {missing!r}"
            if other
            else (f"an edge comes from {missing!r}")
        )
    return f"an edge from {other} leads to {missing!r}"


def _ports(facts: Facts, edge: Edge) -> Iterator[Problem]:
    source, target = facts.specs.get(edge.source), facts.specs.get(edge.target)
    outputs = facts.senders(edge)
    if source is not None and edge.source_port not in outputs:
        offered = list(fixes.nearest_port(facts, edge, outputs, "source_port"))
        if edge.source_port == ERROR_PORT and not facts.lies_in(edge.target, edge.source):
            op = SetField(node=edge.source, field="on_error", value="route")
            sender = facts.label(edge.source)
            offered = [fix("route_errors", f"Let {sender} send errors here", op, source=sender)]
        yield _no_port(facts, edge, edge.source, edge.source_port, "output", list(outputs), offered)
    if target is not None and facts.port_of(edge) is None:
        names = [port.name for port in facts.takers(edge)]
        free = [port.name for port in facts.takers(edge) if fixes.free(facts, edge, port)]
        offered = list(fixes.nearest_port(facts, edge, free, "target_port"))
        yield _no_port(facts, edge, edge.target, edge.target_port, "input", names, offered)


def _no_port(
    facts: Facts, edge: Edge, node: str, port: str, side: str, known: list[str], offered: list[Fix]
) -> Problem:
    close = difflib.get_close_matches(port, known, n=1)
    has = f"It has {', '.join(known)}." if known else f"It has no {side}s."
    return problem(
        "unknown_port",
        f"{facts.label(node)} has no {side} {port!r}",
        severity=_severity(facts, edge),
        hint=f"Did you mean {close[0]!r}?" if close else has,
        node=node,
        port=port,
        edge=edge.id,
        fixes=[*offered, fixes.remove(facts, edge)],
        side=side,
        nearest=close[0] if close else None,
    )


def _types(facts: Facts, edge: Edge) -> Iterator[Problem]:
    wired = facts.wiring.edges[edge.id]
    port = facts.port_of(edge)
    if wired.fit.ok or port is None:
        return
    yield problem(
        "type_mismatch",
        f"{facts.sender(edge.source, edge.source_port)} gives {in_words(wired.type)}, and the "
        f"input “{edge.target_port}” takes {in_words(port.type)}",
        severity=_severity(facts, edge),
        hint=_way_out(wired.type, port.type),
        node=edge.target,
        port=edge.target_port,
        edge=edge.id,
        fixes=[
            *fixes.other_ports(facts, edge),
            *fixes.adapters(facts, edge),
            fixes.remove(facts, edge),
        ],
        gives=str(wired.type),
        takes=str(port.type),
        source_name=facts.name(edge.source),
        gives_words=in_words(wired.type),
        takes_words=in_words(port.type),
        gives_zh=in_chinese(wired.type),
        takes_zh=in_chinese(port.type),
        reason=wired.fit.reason,
    )


def _way_out(gives: PortType, takes: PortType) -> str:
    if takes.name == "Text" or takes.inner.name == "Text":
        return "Turn it into text with a template."
    if gives.optional:
        return "Give a value for the empty case first."
    return f"Put a node between that turns {in_words(gives)} into {in_words(takes)}."


def _taken(facts: Facts) -> Iterator[Problem]:
    for node, spec in sorted(facts.specs.items()):
        inner = spec.inside.inputs if spec.inside is not None else ()
        for port, into in (
            *((port, facts.into[node]) for port in spec.inputs),
            *((port, facts.exits.get(node, [])) for port in inner),
        ):
            found = (edge for edge in into if edge.target_port == port.name)
            edges = list(dict.fromkeys(edge for edge in found if edge.source in facts.flow.nodes))
            if port.multiple or len(edges) < 2:
                continue
            yield problem(
                "port_taken",
                f"{len(edges)} edges lead into “{port.name}”, and it takes one",
                severity="error" if facts.enabled(node) else "warning",
                hint="Merge them, or keep one.",
                node=node,
                port=port.name,
                edge=edges[1].id,
                fixes=[
                    *fixes.merge(facts, edges),
                    *(fixes.remove(facts, e) for e in edges[1:_MOST_REMOVALS]),
                ],
                edges=[edge.id for edge in edges],
            )
