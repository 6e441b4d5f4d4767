"""Puts operators that can run one behind the other in one thread into the same stage."""

from weft_engine.kernel.graph import Ref
from weft_engine.kernel.planner.logical import Input, Logical, Node, needs_edge


def find_chains(logical: Logical) -> tuple[tuple[int, ...], ...]:
    """Every operator in exactly one chain; chains in an order in which inputs come first.

    An operator goes behind the one it reads when it reads nothing else, is the only one to read
    that output, runs as many times in the same place, and nothing is to be redistributed between
    them. Streaming systems call this operator chaining (Flink: task chaining).
    """
    readers = logical.readers()
    chains: list[list[int]] = []
    chain_of: dict[int, list[int]] = {}
    fed_back = {id_ for _, id_ in logical.feedback}
    for id_, node in logical.nodes.items():
        before = _before(node, logical)
        if (
            before is None
            or id_ in fed_back
            or len(readers[before]) != 1
            or not _same_thread(node, logical)
        ):
            chain: list[int] = []
            chains.append(chain)
        else:
            chain = chain_of[before.operator]
        chain.append(id_)
        chain_of[id_] = chain
    return tuple(tuple(chain) for chain in chains)


def _before(node: Node, logical: Logical) -> Ref | None:
    """The output that the operator could be chained to."""
    if not logical.settings.chaining or not node.vertex.chain or len(node.inputs) != 1:
        return None
    ref = node.inputs[0].ref
    return ref if ref.output == 0 and logical.nodes[ref.operator].vertex.outputs > 0 else None


def _same_thread(node: Node, logical: Logical) -> bool:
    each = node.inputs[0]
    here, there = node.vertex, logical.nodes[each.ref.operator].vertex
    together = here.parallelism == there.parallelism and here.placement == there.placement
    stays = _stays(each, here.parallelism or 1) and not needs_edge(each, node)
    return together and stays


def _stays(each: Input, parallelism: int) -> bool:
    """Whether records stay in their subtask."""
    return each.ship.kind == "forward" or (each.ship.kind == "hash" and parallelism == 1)
