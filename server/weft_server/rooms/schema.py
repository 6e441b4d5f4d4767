"""What node types say about the documents they stand in."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from weft_engine.nodes.spec import NodeSpec
from weft_server.rooms.reading import Multiple

_LONG: Final = frozenset({"code", "textarea", "template"})
"""Widgets in which several people may type at once."""


@dataclass(frozen=True, slots=True)
class Schema:
    """Which ports take many edges, and which settings are held as Y.Text."""

    multiple: Multiple = frozenset()
    long_texts: Mapping[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, specs: Iterable[NodeSpec]) -> Self:
        """Collect it from the catalogue."""
        specs = list(specs)
        multiple = {
            (spec.type, port.name)
            for spec in specs
            for port in (*spec.inputs, *(spec.inside.inputs if spec.inside else ()))
            if port.multiple
        }
        return cls(frozenset(multiple), {spec.type: _long_texts(spec) for spec in specs})

    def is_long_text(self, node_type: str, setting: str) -> bool:
        """Whether a setting of a node is one that several people may type in at once."""
        return setting in self.long_texts.get(node_type, frozenset())


def _long_texts(spec: NodeSpec) -> frozenset[str]:
    properties = spec.settings.get("properties", {})
    return frozenset(
        name for name, property_ in properties.items() if property_.get("x-widget") in _LONG
    )
