"""Leaves out operators whose results nobody wants."""

from weft_engine.kernel.planner.logical import Logical


def drop_dead_branches(logical: Logical) -> Logical:
    """Keep operators that have an effect, and all that those read from."""
    fed_back: dict[int, list[int]] = {}
    for ref, id_ in logical.feedback:
        fed_back.setdefault(id_, []).append(ref.operator)
    alive: set[int] = set()
    waiting = [id_ for id_, node in logical.nodes.items() if node.has_effect]
    while waiting:
        id_ = waiting.pop()
        if id_ in alive:
            continue
        alive.add(id_)
        waiting.extend(each.ref.operator for each in logical.nodes[id_].inputs)
        waiting.extend(fed_back.get(id_, ()))
    dead = [node for id_, node in logical.nodes.items() if id_ not in alive]
    kept = logical.with_nodes(
        ((id_, node) for id_, node in logical.nodes.items() if id_ in alive),
        *(f"{node.label} is left out: nobody reads it" for node in dead),
    )
    if len(alive) == len(logical.nodes):
        return kept
    feedback = tuple(pair for pair in logical.feedback if pair[1] in alive)
    return type(kept)(kept.nodes, feedback, kept.settings, kept.notes)
