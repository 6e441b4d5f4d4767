"""From chains of operators to stages and the edges between them."""

from dataclasses import asdict, replace
from typing import Final

from weft_engine.errors import KernelError
from weft_engine.kernel.graph import Ref
from weft_engine.kernel.physical import Edge, OperatorSpec, PhysicalPlan, Stage
from weft_engine.kernel.planner.logical import Input, Logical, Node, feedback_port, needs_edge
from weft_engine.kernel.planner.times import find_timed
from weft_engine.kernel.program_errors import ProgramError

ALWAYS_SHARED: Final = frozenset({"join"})
"""Kinds whose subtasks must know of the own state of all those before them."""

FUNCTIONS: Final = frozenset(
    {"co_flat_map", "co_map", "co_process", "keyed_process", "process_function"}
)
"""Kinds whose functions may put what they were told by a broadcast stream into checkpoints."""


def to_physical(logical: Logical, chains: tuple[tuple[int, ...], ...], job: str) -> PhysicalPlan:
    """The plan that backends deploy.

    Raises:
        ProgramError: when two operators have the same uid.
    """
    check_uids(logical)
    timed = find_timed(logical)
    stages = tuple(_stage(number, chain, logical, timed) for number, chain in enumerate(chains))
    return PhysicalPlan(
        job=job,
        stages=stages,
        edges=_edges(logical, chains),
        key_groups=logical.settings.key_groups,
        settings=asdict(logical.settings),
        notes=logical.notes,
    )


def check_uids(logical: Logical) -> None:
    """Every operator needs a name of its own for its state.

    Raises:
        ProgramError: when two operators have the same uid, or one has none.
    """
    seen: dict[str, Node] = {}
    for node in logical.nodes.values():
        uid = node.vertex.uid
        if not uid:
            raise ProgramError(f"{node.label} has an empty uid.", hint="Give it a uid, or none.")
        if uid in seen:
            raise ProgramError(
                f"{seen[uid].label} and {node.label} both have the uid {uid!r}.",
                hint="State is kept by uid: give each operator its own.",
            )
        seen[uid] = node


def _stage(number: int, chain: tuple[int, ...], logical: Logical, timed: dict[int, bool]) -> Stage:
    head = logical.nodes[chain[0]].vertex
    specs = tuple(
        replace(_spec(logical.nodes[id_], timed[id_]), copies=_copies(id_, at > 0, logical))
        for at, id_ in enumerate(chain)
    )
    name = " → ".join(spec.name for spec in specs)
    return Stage(number, name, specs, head.parallelism or 1, head.placement)


def _copies(id_: int, chained: bool, logical: Logical) -> bool:
    """Whether its records may be in other hands too: those of the one before it, or of others."""
    if logical.settings.object_reuse:
        return False
    readers = logical.readers()
    return chained or any(len(readers[each.ref]) > 1 for each in logical.nodes[id_].inputs)


def _spec(node: Node, timed: bool) -> OperatorSpec:
    vertex = node.vertex
    ships = {each.port: each.ship for each in node.inputs}
    keys = tuple(ships[port].key if ships[port].kind == "hash" else None for port in sorted(ships))
    return OperatorSpec(
        uid=vertex.uid,
        kind=vertex.kind,
        name=vertex.name,
        params=vertex.params,
        key=keys[0] if keys else None,
        keys=keys if len(keys) > 1 else (),
        outputs=vertex.outputs,
        inputs=node.ports,
        policy=vertex.policy,
        owner=vertex.owner,
        timed=timed,
        vertex=vertex.id,
        effect=node.has_effect,
        shared=_is_shared(node),
    )


def _is_shared(node: Node) -> bool:
    """Whether its state is to be the same everywhere.

    What was broadcast before and is not now has come to run as one subtask, which gets all anyway.
    """
    kind = node.vertex.kind
    told = any(each.ship.kind == "broadcast" for each in node.inputs)
    return kind in ALWAYS_SHARED or (kind in FUNCTIONS and told)


def _edges(logical: Logical, chains: tuple[tuple[int, ...], ...]) -> tuple[Edge, ...]:
    place = {id_: (stage, at) for stage, chain in enumerate(chains) for at, id_ in enumerate(chain)}
    heads = [(stage, logical.nodes[chain[0]]) for stage, chain in enumerate(chains)]
    edges: list[Edge] = []
    for stage, node in heads:
        edges += [
            _edge(len(edges) + at, place, each, stage, node) for at, each in enumerate(node.inputs)
        ]
    for ref, target in logical.feedback:
        edges.append(_feedback_edge(len(edges), place, ref, target, logical))
    return tuple(edges)


def _edge(
    id_: int, place: dict[int, tuple[int, int]], each: Input, target: int, node: Node
) -> Edge:
    source, operator = place[each.ref.operator]
    kind = each.ship.kind
    if kind == "auto":
        raise KernelError("an exchange was left open by the planner")
    keyed = kind in ("hash", "custom")
    return Edge(
        id=id_,
        source=source,
        operator=operator,
        output=each.ref.output,
        target=target,
        port=each.port,
        exchange=kind,
        key=each.ship.key if keyed else None,
        lenient=(node.vertex.owner or node.vertex.name) if needs_edge(each, node) else "",
    )


def _feedback_edge(
    id_: int, place: dict[int, tuple[int, int]], ref: Ref, target: int, logical: Logical
) -> Edge:
    source, operator = place[ref.operator]
    sender = logical.nodes[ref.operator].vertex
    return Edge(
        id=id_,
        source=source,
        operator=operator,
        output=ref.output,
        target=place[target][0],
        port=feedback_port(logical.nodes[target]),
        exchange="forward" if (sender.parallelism or 1) == 1 else "gather",
        feedback=True,
    )
