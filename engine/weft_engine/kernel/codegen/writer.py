"""Text of generated code, with a table that leads from its lines back to operators."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Place:
    """What a line of generated code belongs to."""

    operator: int
    """Position among the operators of the loop."""
    record: str
    """The variable that holds the record the operator is given; empty when there is none."""


@dataclass(slots=True)
class Writer:
    """Lines of code, and the objects they name."""

    lines: list[str] = field(default_factory=list)
    places: dict[int, Place] = field(default_factory=dict)
    """By line number, counted from 1."""
    bound: dict[str, Any] = field(default_factory=dict)
    """Objects that the code refers to, by the name it knows them by."""
    indent: int = 0

    def add(self, text: str, place: Place | None = None) -> None:
        """Append a line."""
        self.lines.append("    " * self.indent + text)
        if place is not None:
            self.places[len(self.lines)] = place

    def bind(self, name: str, value: Any) -> str:
        """Make an object known to the code."""
        self.bound[name] = value
        return name

    @property
    def text(self) -> str:
        """The whole code."""
        return "\n".join(self.lines) + "\n"
