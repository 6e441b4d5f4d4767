"""Rules about the whole: circles, inputs, streams, what never runs."""

from collections.abc import Iterator

from weft_engine.compiler import fixes, loop_fixes, streaming_rules
from weft_engine.compiler.problems import Facts, Fix, Problem, fix, problem
from weft_engine.flow.model import Edge
from weft_engine.flow.ops import SetFlow, remove_edge
from weft_engine.flow.topology import closing_edges, cycles
from weft_engine.nodes.port_words import in_chinese, in_words


def rules(facts: Facts) -> Iterator[Problem]:
    """What is wrong with the flow as a whole."""
    circles = cycles(facts.flow, inside=facts.scopes.inside)
    yield from _circles(facts, circles)
    missing = list(_missing_inputs(facts))
    yield from missing
    stuck = {found.node for found in missing if found.node}
    stuck |= {node for circle in circles for node in circle}
    stuck |= {name for name, node in facts.flow.nodes.items() if name not in facts.specs}
    yield from _unreachable(facts, stuck)
    yield from _skipped(facts)
    yield from _two_streams(facts)
    yield from _endless(facts)


def _circles(facts: Facts, circles: list[list[str]]) -> Iterator[Problem]:
    closing = closing_edges(facts.flow, inside=facts.scopes.inside)
    for circle in circles:
        edges = [edge for edge in closing if facts.level(edge.source, edge.target)[0] in circle]
        names = ", ".join(facts.label(node) for node in circle)
        alone = len(circle) == 1
        yield problem(
            "cycle",
            "it is connected to itself" if alone else f"edges run in a circle through {names}",
            hint="Take out the edge that leads back; repeat work with a loop node.",
            node=circle[0],
            edge=edges[0].id,
            fixes=[
                *loop_fixes.to_while(facts, circle, list(dict.fromkeys(edges))),
                _break(facts, list(dict.fromkeys(edges))),
            ],
            nodes=list(circle),
            node_names=[facts.name(node) for node in circle],
            edges=[edge.id for edge in edges],
        )


def _break(facts: Facts, edges: list[Edge]) -> Fix:
    if len(edges) == 1:
        return fixes.remove(facts, edges[0])
    ops = [remove_edge(edge) for edge in edges]
    return fix("break_cycle", f"Remove the {len(edges)} edges that lead back", *ops)


def _missing_inputs(facts: Facts) -> Iterator[Problem]:
    for name, _ in facts.nodes():
        spec = facts.specs.get(name)
        if spec is None or not facts.enabled(name):
            continue
        wired = {e.target_port for e in facts.into[name] if e.source in facts.flow.nodes}
        for port in spec.inputs:
            if port.required and port.name not in wired:
                yield problem(
                    "missing_input",
                    f"the input “{port.name}” is not connected",
                    hint=f"Connect {in_words(port.type)}.",
                    node=name,
                    port=port.name,
                    fixes=list(fixes.connect(facts, name, port)),
                    type=str(port.type),
                    wanted=in_words(port.type),
                    wanted_zh=in_chinese(port.type),
                )


def _unreachable(facts: Facts, stuck: set[str]) -> Iterator[Problem]:
    """Nodes that wait for one that cannot run."""
    waiting = set(stuck)
    for name, node in facts.nodes():
        spec = facts.specs.get(name)
        if spec is None or name in waiting or node.disabled:
            continue
        for port in spec.inputs:
            edges = [e for e in facts.into[name] if e.target_port == port.name]
            sources = [edge.source for edge in edges if edge.source in facts.flow.nodes]
            if port.required and sources and all(source in waiting for source in sources):
                waiting.add(name)
                yield problem(
                    "unreachable",
                    f"it never runs, because {facts.label(sources[0])} before it cannot",
                    severity="warning",
                    hint=f"Solve the problem of {facts.label(sources[0])} first.",
                    node=name,
                    port=port.name,
                    source=sources[0],
                    source_name=facts.name(sources[0]),
                )
                break


def _skipped(facts: Facts) -> Iterator[Problem]:
    for name, _ in facts.nodes():
        around = facts.scopes.inside.get(name)
        inner = around is not None and facts.wiring.nodes[around].state != "runs"
        if facts.wiring.nodes[name].state == "skipped" and not inner:
            yield problem(
                "skipped", "it is skipped, because the nodes before it are disabled",
                severity="info", hint="Enable them to run it.", node=name,
            )  # fmt: skip


def _two_streams(facts: Facts) -> Iterator[Problem]:
    by_id = {edge.id: edge for edge in facts.flow.edges}
    for name, node in facts.nodes():
        wired = facts.wiring.nodes[name]
        if not wired.strangers:
            continue
        strange = [by_id[key] for key in wired.strangers]
        origins = [facts.wiring.edges[key].origin for key in wired.strangers]
        places = [origin.partition(".")[0] for origin in (wired.over, origins[0]) if origin]
        yield problem(
            "two_streams",
            "it works record by record, and its records come from "
            + " and ".join(facts.label(place) for place in places),
            severity="warning" if node.disabled else "error",
            hint="Join or zip the two streams first, or collect one of them into a list.",
            node=name,
            port=strange[0].target_port,
            edge=strange[0].id,
            fixes=[fixes.remove(facts, edge) for edge in strange],
            origins=[wired.over, *dict.fromkeys(origins)],
        )


def _endless(facts: Facts) -> Iterator[Problem]:
    """Streams without an end need a flow that may go on, and nodes that do not wait for one."""
    endless: set[str] = set()
    for name, node in facts.nodes():
        spec = facts.specs.get(name)
        if spec is None or node.disabled:
            continue
        events = spec.category == "trigger" and facts.flow.mode == "streaming"
        if spec.traits.unbounded or events:
            endless.add(name)
            yield from _must_end(facts, name, spec.category == "trigger")
        fed = [edge for edge in facts.into[name] if edge.source in endless]
        fed = [edge for edge in fed if facts.wiring.edges[edge.id].type.stream]
        waits = [
            edge for edge in fed
            if spec.traits.needs_end or facts.wiring.edges[edge.id].how == "collect"
        ]  # fmt: skip
        if fed and spec.works == "container":
            yield _endless_inside(facts, name, fed[0])
        elif waits:
            yield problem(
                "needs_end",
                f"it waits for the end of {facts.label(waits[0].source)}, which never comes",
                hint="Put a window in its place, or in front of what gives it records.",
                node=name,
                port=waits[0].target_port,
                edge=waits[0].id,
                fixes=list(streaming_rules.without_end(facts, name)),
                source=waits[0].source,
                source_name=facts.name(waits[0].source),
            )
        elif fed:
            endless.add(name)


def _endless_inside(facts: Facts, name: str, edge: Edge) -> Problem:
    return problem(
        "endless_into_container",
        f"it goes through all records of {facts.label(edge.source)}, which never end",
        hint="Let the flow run once for each event (event mode), or put a window in front of it.",
        node=name,
        port=edge.target_port,
        edge=edge.id,
        fixes=[fixes.remove(facts, edge)],
        source=edge.source,
        source_name=facts.name(edge.source),
    )


def _must_end(facts: Facts, name: str, trigger: bool) -> Iterator[Problem]:
    mode = facts.flow.mode
    if mode == "streaming" or (mode == "event" and trigger):
        return
    wanted = "event" if trigger else "streaming"
    op = SetFlow(field="mode", value=wanted, expect=mode)
    yield problem(
        "unbounded",
        f"what it sends never ends, and the flow runs in {mode} mode",
        hint=f"Run the flow in {wanted} mode.",
        node=name,
        fixes=[fix("set_mode", f"Switch the flow to {wanted} mode", op, mode=wanted)],
        mode=mode,
    )
