"""What the type variables of ports stand for."""

from collections.abc import Mapping

from weft_engine.nodes.fits import How, common
from weft_engine.nodes.port_type import ANY, PortType, optional, stream_of


def fill(kind: PortType, variables: Mapping[str, PortType]) -> PortType:
    """Put what the variables stand for in their place; one that stands for nothing is `Any`."""
    if kind.item is not None:
        item = fill(kind.item, variables)
        if kind.stream:
            return stream_of(item)
        return optional(item) if kind.optional else PortType(kind.name, item)
    return variables.get(kind.name, ANY) if kind.variable else kind


def matched(port: PortType, sent: PortType, how: How) -> tuple[PortType, PortType]:
    """The two types that face each other once the edge's conversion is done."""
    if how == "lift":
        return port, sent.inner
    if how == "collect":
        wanted = port.inner if port.optional else port
        return wanted.inner, sent.inner
    if how == "explode":
        return port.inner, sent.inner
    if how == "single":
        return port.inner, sent
    return port, sent


def bind(pattern: PortType, actual: PortType, found: dict[str, PortType]) -> None:
    """Note what the variables in a type stand for, given the type that arrives."""
    if pattern.variable:
        known = found.get(pattern.name)
        found[pattern.name] = actual if known is None else common(known, actual)
    elif pattern.item is not None and actual.item is not None and pattern.name == actual.name:
        bind(pattern.item, actual.item, found)
    elif pattern.optional and pattern.item is not None:
        bind(pattern.item, actual, found)
