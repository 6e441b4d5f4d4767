"""What is run: the flow as it is now, checked; checked once as long as it stays the same."""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

import msgspec

from weft_engine.compiler.check import Problem, check
from weft_engine.flow.model import Flow
from weft_engine.nodes.catalogue import Catalogue
from weft_server.errors import Invalid

_REMEMBERED: Final = 256
_REMEMBERED_BYTES: Final = 4_000_000
"""Of text; as objects, flows take some twenty times as much."""
_encoder: Final = msgspec.json.Encoder()


class Definitions(Protocol):
    """Whoever knows the living flows."""

    async def definition(self, flow_id: str) -> tuple[Flow, Sequence[object]]:
        """The flow as it is now, and what of its document had to be left out of it."""


@dataclass(frozen=True, slots=True)
class Checked:
    """A frozen definition and the problems it has."""

    flow: Flow
    text: str
    """The definition as JSON, as it is stored with every run."""
    plain: dict[str, Any]
    errors: tuple[Problem, ...]

    def require_valid(self, taking_part: frozenset[str] | None = None) -> None:
        """Refuse to go on with errors; those of nodes that take no part do not matter.

        Raises:
            Invalid: 422 `flow.invalid`, with all of them.
        """
        errors = [
            problem
            for problem in self.errors
            if taking_part is None or problem.node is None or problem.node in taking_part
        ]
        if errors:
            raise _invalid(errors)


class Checker:
    """Checks definitions, and remembers what it found by their content."""

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self._known: OrderedDict[bytes, Checked] = OrderedDict()
        self._by_object: dict[int, Checked] = {}
        self._bytes = 0

    async def checked(self, flow: Flow) -> Checked:
        """The flow with its problems."""
        # Whoever knows the flows gives the same object until something changes.
        same = self._by_object.get(id(flow))
        if same is not None and same.flow is flow:
            return same
        plain = {"format": flow.format} | flow.model_dump(mode="json", exclude_defaults=True)
        text = _encoder.encode(plain)
        key = hashlib.sha256(text).digest()
        known = self._known.get(key)
        if known is None:
            # A check of a large flow takes long enough to be felt by everyone else.
            problems = await asyncio.to_thread(check, flow, self.catalogue)
            errors = tuple(problem for problem in problems if problem.severity == "error")
            known = Checked(flow, text.decode(), plain, errors)
        elif known.flow is not flow:
            known = replace(known, flow=flow)
        self._remember(key, known)
        return known

    def _remember(self, key: bytes, checked: Checked) -> None:
        self._forget(key)
        self._known[key] = checked
        self._by_object[id(checked.flow)] = checked
        self._bytes += len(checked.text)
        while len(self._known) > _REMEMBERED or self._bytes > _REMEMBERED_BYTES:
            self._forget(next(iter(self._known)))

    def _forget(self, key: bytes) -> None:
        former = self._known.pop(key, None)
        if former is not None:
            self._bytes -= len(former.text)
            self._by_object.pop(id(former.flow), None)


def _invalid(problems: Sequence[Problem]) -> Invalid:
    first = problems[0]
    more = len(problems) - 1
    where = f"{first.node}: " if first.node else ""
    others = f" (and {more} more)" if more else ""
    return Invalid(
        f"The flow has errors and was not started. {where}{first.message}{others}",
        code="flow.invalid",
        hint=first.hint or "Solve the problems that the problems panel lists.",
        params={"count": len(problems), "node": first.node},
        extra={"problems": [problem.model_dump(mode="json") for problem in problems]},
    )
