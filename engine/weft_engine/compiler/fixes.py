"""Fixes that look around in the flow: edges to draw, nodes to put between."""

import difflib
from collections.abc import Iterable, Iterator

from weft_engine.compiler.problems import Facts, Fix, fix
from weft_engine.flow.model import Edge, Node, Position
from weft_engine.flow.ops import AddNode, add_edge, remove_edge
from weft_engine.nodes.fits import Fit, fits
from weft_engine.nodes.port_type import PortType
from weft_engine.nodes.region import BODY
from weft_engine.nodes.spec import NodeSpec, Port

_MOST_ADAPTERS = 2


def remove(facts: Facts, edge: Edge) -> Fix:
    """Take the edge away."""
    source, target = facts.label(edge.source), facts.label(edge.target)
    return fix(
        "remove_edge", f"Disconnect {source} from {target}", remove_edge(edge),
        source=source, target=target,
    )  # fmt: skip


def reconnect(facts: Facts, edge: Edge, **ends: str) -> Fix:
    """Lead the edge elsewhere."""
    moved = edge.model_copy(update=ends)
    source = facts.sender(moved.source, moved.source_port)
    target = facts.taker(moved.target, moved.target_port)
    return fix(
        "reconnect", f"Connect {source} to {target}", remove_edge(edge), add_edge(moved),
        source=source, target=target,
    )  # fmt: skip


def free(facts: Facts, edge: Edge, port: Port) -> bool:
    """Whether an input port of the target of an edge can take one more edge from its source."""
    moved = edge.model_copy(update={"target_port": port.name})
    return port.multiple or not facts.edges_to(moved)


def other_ports(facts: Facts, edge: Edge) -> Iterator[Fix]:
    """Other ports of the same two nodes that go together."""
    if facts.specs.get(edge.source) is None:
        return
    sent = facts.senders(edge)
    if edge.source_port in sent:
        for port in facts.takers(edge):
            other = port.name != edge.target_port and free(facts, edge, port)
            if other and fits(sent[edge.source_port].type, port.type).ok:
                yield reconnect(facts, edge, target_port=port.name)
    wanted = facts.port_of(edge)
    for name, output in sent.items():
        if wanted is not None and name != edge.source_port and fits(output.type, wanted.type).ok:
            yield reconnect(facts, edge, source_port=name)


def nearest_port(facts: Facts, edge: Edge, names: Iterable[str], end: str) -> Iterator[Fix]:
    """The port whose name is closest, else the only one that fits."""
    known = list(names)
    close = difflib.get_close_matches(getattr(edge, end), known, n=1, cutoff=0.6)
    choices = close or known
    if len(choices) == 1:
        moved = edge.model_copy(update={end: choices[0]})
        if moved not in facts.flow.edges and _fit(facts, moved).ok:
            yield reconnect(facts, edge, **{end: choices[0]})


def _fit(facts: Facts, edge: Edge) -> Fit:
    output, port = facts.senders(edge).get(edge.source_port), facts.port_of(edge)
    if output is None or port is None:
        return Fit(ok=False)
    taken = any(other.id != edge.id for other in facts.edges_to(edge))
    moves = any(e.target == edge.target and e.source == edge.source for e in facts.flow.edges)
    if taken and not port.multiple and not moves:
        return Fit(ok=False)
    return fits(output.type, port.type)


def connect(facts: Facts, node: str, port: Port) -> Iterator[Fix]:
    """Connect the only output that can feed a port: the only loose one, else the only one."""
    if not facts.may_search():
        return
    loose: list[Edge] = []
    used: list[Edge] = []
    for edge in _feeds(facts, node, port):
        (used if (edge.source, edge.source_port) in facts.used else loose).append(edge)
        if len(loose) > 1:
            return
    found = loose or used
    if len(found) == 1:
        source = facts.sender(found[0].source, found[0].source_port)
        yield fix("connect", f"Connect {source}", add_edge(found[0]), source=source, port=port.name)


def _feeds(facts: Facts, node: str, port: Port) -> Iterator[Edge]:
    """The edges that could lead into a port, without closing a circle or leaving a container."""
    over = facts.wiring.nodes[node].over
    around = facts.scopes.inside.get(node)
    for out, sent in facts.wiring.nodes[around].inner.items() if around is not None else ():
        same = facts.scopes.sections.get(node) == section_of(facts, str(around), out)
        if same and fits(sent.type, port.type).ok:
            yield _edge(str(around), out, node, port.name)
    for name, out, sent in facts.outputs:
        found = fits(sent.type, port.type)
        strange = found.how == "lift" and over is not None and over != sent.origin
        if not found.ok or strange or not may_read(facts, name, node):
            continue
        if not facts.leads_back(name, node):
            yield _edge(name, out, node, port.name)


def section_of(facts: Facts, container: str, output: str) -> str:
    """The section that an inner output belongs to."""
    spec = facts.specs.get(container)
    port = spec.inside.output(output) if spec is not None and spec.inside is not None else None
    return port.section if port is not None else BODY


def may_read(facts: Facts, source: str, node: str) -> bool:
    """Whether a node may read another: one beside it, or beside a container around it."""
    around = facts.scopes.inside.get(source)
    if facts.lies_in(node, source) or (around is not None and not facts.lies_in(node, around)):
        return False
    one, other = facts.level(source, node)
    return facts.scopes.sections.get(one) == facts.scopes.sections.get(other)


def _edge(source: str, source_port: str, target: str, target_port: str) -> Edge:
    return Edge(source=source, source_port=source_port, target=target, target_port=target_port)


def adapters(facts: Facts, edge: Edge) -> Iterator[Fix]:
    """Put a node between that takes what is sent and gives what is wanted."""
    output, wanted = facts.senders(edge).get(edge.source_port), facts.port_of(edge)
    if output is None or wanted is None or not facts.may_search():
        return
    found = [spec for spec in facts.catalogue.specs() if _adapts(spec, output.type, wanted.type)]
    found.sort(key=lambda spec: (len(spec.settings.get("required", ())), spec.type))
    for spec in found[:_MOST_ADAPTERS]:
        yield _between(facts, edge, spec)


def _adapts(spec: NodeSpec, sent: PortType, wanted: PortType) -> bool:
    if spec.category not in ("process", "util") or len(spec.outputs) != 1:
        return False
    needed = [port for port in spec.inputs if port.required]
    if len(needed) != 1 or len(spec.inputs) != 1 or needed[0].multiple:
        return False
    takes, gives = needed[0].type, spec.outputs[0].type
    vague = takes.inner.name == "Any" or gives.inner.name in ("Any", "Json")
    if vague or takes.variables or gives.variables or takes == gives:
        return False
    into = fits(sent, takes)
    given = PortType("Stream", gives) if into.how == "lift" and not gives.stream else gives
    return into.ok and fits(given, wanted).ok


def _between(facts: Facts, edge: Edge, spec: NodeSpec) -> Fix:
    name = fresh_id(facts, spec.type.rpartition(".")[2])
    node = Node(type=spec.type, position=_middle(facts, edge), parent=_between_in(facts, edge))
    return fix(
        "insert_node",
        f"Put “{spec.name}” between",
        remove_edge(edge),
        AddNode(id=name, node=node),
        add_edge(_edge(edge.source, edge.source_port, name, spec.inputs[0].name)),
        add_edge(_edge(name, spec.outputs[0].name, edge.target, edge.target_port)),
        type=spec.type,
    )


def merge(facts: Facts, edges: list[Edge]) -> Iterator[Fix]:
    """Put a node in front of a port that brings several edges together."""
    first = edges[0]
    for spec in facts.catalogue.specs():
        many = [port for port in spec.inputs if port.multiple]
        if len(many) != 1 or len(spec.inputs) != 1 or len(spec.outputs) != 1:
            continue
        name = fresh_id(facts, spec.type.rpartition(".")[2])
        yield fix(
            "merge_edges",
            f"Bring them together with “{spec.name}”",
            *(remove_edge(edge) for edge in edges),
            AddNode(
                id=name,
                node=Node(
                    type=spec.type,
                    position=_middle(facts, first),
                    parent=_between_in(facts, first),
                ),
            ),
            *(add_edge(_edge(e.source, e.source_port, name, many[0].name)) for e in edges),
            add_edge(_edge(name, spec.outputs[0].name, first.target, first.target_port)),
            type=spec.type,
        )
        return


def _between_in(facts: Facts, edge: Edge) -> str | None:
    """The container in which a node between the ends of an edge lies."""
    if facts.lies_in(edge.source, edge.target):
        return edge.target
    return facts.scopes.inside.get(edge.target)


def fresh_id(facts: Facts, word: str) -> str:
    """An id that no node has."""
    base = "".join(c if c.isascii() and c.isalnum() else "_" for c in word)[:50] or "node"
    base = base if not base[0].isdigit() else f"n_{base}"
    number, name = 2, base
    while name in facts.flow.nodes or name in facts.flow.notes:
        name, number = f"{base}_{number}", number + 1
    return name


def _middle(facts: Facts, edge: Edge) -> Position | None:
    ends = [facts.flow.nodes.get(name) for name in (edge.source, edge.target)]
    places = [node.position for node in ends if node is not None and node.position is not None]
    if len(places) != 2:
        return None
    return Position(x=(places[0].x + places[1].x) / 2, y=(places[0].y + places[1].y) / 2)
