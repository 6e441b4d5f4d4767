"""Which edges close a circle."""

from collections.abc import Iterable, Sequence

from weft_engine.flow.model import Edge


def closing_edges(edges: Sequence[Edge]) -> list[Edge]:
    """The edges that close a circle when edges are added one by one in the order of their ids."""
    places = {node: place for place, node in enumerate(sorted(_tangled(edges)))}
    # One bit for each node that can be reached, so that even a hostile tangle is read in time.
    reach = [1 << place for place in places.values()]
    closing = []
    for edge in sorted(edges, key=lambda edge: edge.id):
        if edge.source not in places or edge.target not in places:
            continue
        source, target = places[edge.source], places[edge.target]
        if reach[target] >> source & 1:
            closing.append(edge)
        else:
            _join(reach, source, reach[target])
    return closing


def _join(reach: list[int], source: int, reached: int) -> None:
    """Let everything that leads to `source` reach what it reaches now."""
    if reach[source] | reached == reach[source]:
        return
    for place, already in enumerate(reach):
        if already >> source & 1:
            reach[place] = already | reached


def _tangled(edges: Iterable[Edge]) -> set[str]:
    """The nodes left when those without a way in, and those without a way out, are taken away."""
    into: dict[str, set[str]] = {}
    out_of: dict[str, set[str]] = {}
    for edge in edges:
        into.setdefault(edge.target, set()).add(edge.source)
        out_of.setdefault(edge.source, set()).add(edge.target)
    left = into.keys() & out_of.keys()
    left = _trim(left, into, out_of)
    return _trim(left, out_of, into)


def _trim(left: set[str], before: dict[str, set[str]], behind: dict[str, set[str]]) -> set[str]:
    """Take away, again and again, the nodes that nothing comes before."""
    counts = {node: len(before[node] & left) for node in left}
    free = [node for node, count in counts.items() if count == 0]
    for node in free:
        for other in behind[node] & left:
            counts[other] -= 1
            if counts[other] == 0:
                free.append(other)
    return left - set(free)
