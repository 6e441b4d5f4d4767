"""Rules about containers: what lies in them, and the edges in and out."""

from collections.abc import Iterator

from weft_engine.compiler import fixes, loop_fixes
from weft_engine.compiler.calling import CALL
from weft_engine.compiler.problems import Facts, Fix, Problem, fix, problem
from weft_engine.compiler.scopes import DEEPEST
from weft_engine.flow.model import Edge
from weft_engine.flow.ops import SetField, add_edge, remove_edge
from weft_engine.nodes.fits import fits
from weft_engine.nodes.port_words import in_chinese, in_words
from weft_engine.nodes.region import BODY
from weft_engine.nodes.spec import InnerPort, NodeSpec


def rules(facts: Facts) -> Iterator[Problem]:
    """What is wrong with containers and what lies in them."""
    for edge in facts.scopes.leaving:
        yield _leaving(facts, edge)
    for edge in facts.scopes.mixed:
        yield _mixed(facts, edge)
    for name in facts.scopes.too_deep:
        yield problem(
            "too_deep",
            f"containers may be nested {DEEPEST} deep, and this one lies deeper",
            hint="Move it out, or make the inner part a flow of its own and call it.",
            node=name,
            fixes=[_take_out(facts, name)],
            deepest=DEEPEST,
        )
    filled = set(facts.scopes.inside.values())
    for name, _ in facts.nodes():
        spec = facts.specs.get(name)
        if spec is not None and spec.inside is not None and facts.enabled(name):
            yield from _inside(facts, name, spec, name in filled)
    yield from _unreached(facts)


def _leaving(facts: Facts, edge: Edge) -> Problem:
    """An edge out of a container that does not go through it."""
    container = facts.scopes.inside[edge.source]
    return problem(
        "leaves_container",
        f"what lies in {facts.label(container)} is not read from outside, "
        f"and an edge leads from {facts.label(edge.source)} to {facts.label(edge.target)}",
        severity="error" if facts.enabled(edge.source) else "warning",
        hint=f"Lead it to an inner port of {facts.label(container)}, and read that from outside.",
        node=edge.source,
        port=edge.source_port,
        edge=edge.id,
        fixes=[*_through(facts, edge, container), fixes.remove(facts, edge)],
        container=container,
        container_name=facts.name(container),
        target=edge.target,
        target_name=facts.name(edge.target),
    )


def _through(facts: Facts, edge: Edge, container: str) -> Iterator[Fix]:
    """Lead the edge through an inner input of the container, and out by the output for it."""
    spec = facts.specs[container]
    sent = facts.wiring.output(edge.source, edge.source_port)
    if sent is None or spec.inside is None or not _beside(facts, container, edge.target):
        return
    for port in spec.inside.inputs:
        way_in = _edge(edge.source, edge.source_port, container, port.name)
        drawn = way_in in facts.flow.edges
        section = facts.scopes.sections.get(edge.source, BODY) == port.section
        if not section or not (drawn or fixes.free(facts, way_in, port)):
            continue
        for output in spec.outputs:
            way_out = _edge(container, output.name, edge.target, edge.target_port)
            if not output.type.variables & port.type.variables or way_out in facts.flow.edges:
                continue
            if not fits(sent.type, port.type).ok:
                continue
            yield fix(
                "lead_through",
                f"Lead it through “{port.name}” of {facts.label(container)}",
                remove_edge(edge),
                *(() if drawn else (add_edge(way_in),)),
                add_edge(way_out),
                port=port.name,
                container=facts.name(container),
            )
            return


def _beside(facts: Facts, container: str, target: str) -> bool:
    """Whether an edge may lead from a container to a node."""
    around = facts.scopes.inside.get(container)
    if facts.lies_in(container, target):
        return around == target
    return fixes.may_read(facts, container, target) and not facts.leads_back(container, target)


def _edge(source: str, source_port: str, target: str, target_port: str) -> Edge:
    return Edge(source=source, source_port=source_port, target=target, target_port=target_port)


def _mixed(facts: Facts, edge: Edge) -> Problem:
    around = edge.target if facts.lies_in(edge.source, edge.target) else None
    if around is None:
        around = edge.source if facts.lies_in(edge.target, edge.source) else None
    one, other = facts.level(edge.source, edge.target)
    container = around or facts.scopes.inside.get(one) or facts.scopes.inside.get(other) or one
    return problem(
        "mixed_sections",
        f"an edge joins two parts of {facts.label(container)} that run apart: it leads from "
        f"{facts.label(edge.source)} to {facts.label(edge.target)}",
        severity="error" if facts.enabled(container) else "warning",
        hint="Give each part nodes of its own.",
        node=edge.target if edge.target != container else edge.source,
        edge=edge.id,
        fixes=[fixes.remove(facts, edge)],
        container=container,
        container_name=facts.name(container),
    )


def _take_out(facts: Facts, name: str) -> Fix:
    around = facts.flow.nodes[name].parent
    further = facts.flow.nodes[around].parent if around in facts.flow.nodes else None
    op = SetField(node=name, field="parent", value=further)
    return fix("take_out", f"Move {facts.label(name)} out", op, node=facts.name(name))


def _inside(facts: Facts, name: str, spec: NodeSpec, filled: bool) -> Iterator[Problem]:
    if facts.wiring.nodes[name].lifted:
        yield _lifted(facts, name)
    if not filled and facts.flow.nodes[name].type != CALL:
        yield problem(
            "empty_container",
            "there is no node in it",
            severity="warning",
            hint="Put the nodes into it that it is to run.",
            node=name,
        )
    wired = {edge.target_port for edge in facts.exits.get(name, ())}
    for port in spec.inside.inputs if spec.inside is not None else ():
        if port.required and port.name not in wired:
            yield problem(
                "missing_inner_input",
                f"nothing in it leads to “{port.name}”",
                hint=f"Connect {in_words(port.type)} from a node in it.",
                node=name,
                port=port.name,
                fixes=list(_close(facts, name, port)),
                type=str(port.type),
                wanted=in_words(port.type),
                wanted_zh=in_chinese(port.type),
            )


def _close(facts: Facts, container: str, port: InnerPort) -> Iterator[Fix]:
    """Connect the only loose output in a container to an inner input."""
    loose = [
        (node, out)
        for node, out, sent in facts.outputs
        if facts.scopes.inside.get(node) == container
        and facts.scopes.sections.get(node, BODY) == port.section
        and (node, out) not in facts.used
        and fits(sent.type, port.type).ok
    ]
    if len(loose) == 1:
        source = facts.sender(*loose[0])
        op = add_edge(_edge(*loose[0], container, port.name))
        yield fix("connect", f"Connect {source}", op, source=source, port=port.name)


def _lifted(facts: Facts, name: str) -> Problem:
    wired = facts.wiring.nodes[name]
    lifts = [key for keys in wired.inputs.values() for key in keys]
    edge = next(
        edge for edge in facts.flow.edges
        if edge.id in lifts and facts.wiring.edges[edge.id].how == "lift"
    )  # fmt: skip
    return problem(
        "lifted_container",
        f"it takes one value at a time, and {facts.sender(edge.source, edge.source_port)} gives "
        "many",
        hint="Put it into a For each, which goes through them one by one.",
        node=name,
        port=edge.target_port,
        edge=edge.id,
        fixes=[*loop_fixes.to_for_each(facts, name, edge), fixes.remove(facts, edge)],
        source=edge.source,
        source_name=facts.name(edge.source),
    )


def _unreached(facts: Facts) -> Iterator[Problem]:
    """Nodes in a container to which no inner output leads: they do the same every time."""
    into: dict[str, set[str]] = {}
    for edge in facts.flow.edges if facts.scopes.inside else ():
        one, other = facts.level(edge.source, edge.target)
        into.setdefault(other, set()).add(one)
    for name, _ in facts.nodes():
        around = facts.scopes.inside.get(name)
        if around is None or not facts.enabled(name):
            continue
        spec, loop = facts.specs.get(name), facts.specs[around].inside
        if spec is None or into.get(name) or not spec.outputs or not (loop and loop.repeats):
            continue
        yield problem(
            "unreached_in_container",
            f"nothing leads to it, so it does the same every time {facts.label(around)} runs",
            severity="info",
            hint="Move it out to run it once; nodes inside may read it there.",
            node=name,
            fixes=[_take_out(facts, name)],
            container=around,
            container_name=facts.name(around),
        )
