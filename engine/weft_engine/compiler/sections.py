"""Which section of a container its nodes belong to."""

from collections import defaultdict
from dataclasses import dataclass, field

from weft_engine.flow.topology import reach
from weft_engine.nodes.region import BODY
from weft_engine.nodes.spec import InsideSpec


@dataclass
class SectionsOf:
    """A container with several sections, and the edges in it between its direct members."""

    inside: InsideSpec
    members: list[str] = field(default_factory=list)
    pairs: list[tuple[str, str]] = field(default_factory=list)
    """Members, one before the other."""
    starts: list[tuple[str, str]] = field(default_factory=list)
    """An inner output, and the member to which it leads."""
    ends: list[tuple[str, str]] = field(default_factory=list)
    """A member, and the inner input to which it leads."""


def sections_of(container: SectionsOf) -> dict[str, str]:
    """The section of every member.

    A node belongs to the section whose inner output leads to it; when several do, to the first of
    them. A node that none leads to belongs where it leads itself, when that is one section only,
    and else to the body.
    """
    after: dict[str, list[str]] = defaultdict(list)
    for one, other in container.pairs:
        after[one].append(other)
    found: dict[str, str] = {}
    for section in container.inside.sections:
        for port, member in container.starts:
            output = container.inside.output(port)
            if output is not None and output.section == section:
                for node in (member, *sorted(reach(after, member))):
                    found.setdefault(node, section)
    closes: dict[str, set[str]] = defaultdict(set)
    for member, port in container.ends:
        taken = container.inside.input(port)
        if taken is not None:
            closes[member].add(taken.section)
    led = dict(found)
    for node in container.members:
        if node not in led:
            ahead = {node, *reach(after, node)}
            sections = {led[one] for one in ahead if one in led}
            sections.update(*(closes[one] for one in ahead if one not in led))
            found[node] = sections.pop() if len(sections) == 1 else BODY
    return found
