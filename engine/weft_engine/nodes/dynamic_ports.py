"""Output ports that a setting of a node names, such as the cases of a switch.

The same rules are written in TypeScript; tests/vectors/ports_from.json holds the two together.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from weft_engine.flow.values import ID_PATTERN
from weft_engine.nodes.port_type import ANY, PortType

_ID: Final = re.compile(ID_PATTERN)


@dataclass(frozen=True)
class PortsFrom:
    """Says that a node has one output port for each entry of a list among its settings.

    `process` of such a node returns a dict, port → value; a port that is not in it is not taken.
    """

    setting: str
    """The list."""
    key: str = ""
    """The field of an entry that holds the name of its port; empty when entries are texts."""
    type: PortType = ANY
    """The type of these ports; may use the type variables of the inputs."""
    description: str = ""
    also: tuple[str, ...] = ()
    """Ports of the same type that are always there, behind the others."""


def names(source: PortsFrom, settings: Mapping[str, Any], default: Any = None) -> Iterator[str]:
    """The ports that the settings name, each once, in their order; then those always there.

    Args:
        source: What the node type says.
        settings: As they stand in the flow, valid or not. What names no port is passed over.
        default: The setting's default.
    """
    entries = settings.get(source.setting, default)
    seen = set(source.also)
    if not isinstance(entries, list | tuple):
        entries = ()
    for entry in entries:
        name = _name(source, entry)
        if name is not None and name not in seen:
            seen.add(name)
            yield name
    yield from source.also


def _name(source: PortsFrom, entry: Any) -> str | None:
    if source.key:
        entry = entry.get(source.key) if isinstance(entry, Mapping) else None
    # Python's `$` also matches in front of a line break at the end.
    return entry if isinstance(entry, str) and _ID.fullmatch(entry) else None
