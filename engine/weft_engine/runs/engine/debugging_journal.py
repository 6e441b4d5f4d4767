"""What a debugged run writes down, so that it stands where it stood when it goes on.

A row of the kind `stop` for every activation that breakpoints were looked at for: whether it
stands, what was counted, and what somebody put in the place of its values.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from weft_engine.nodes.types import SKIP
from weft_engine.runs.debug import Breakpoint
from weft_engine.runs.engine.debugging_values import Shown, shown_ports
from weft_engine.runs.engine.gate import Stop
from weft_engine.runs.engine.recording import Recording
from weft_engine.runs.journal.base import StepRow
from weft_engine.runs.journal.values import ValueStore

STOP: Final = "stop"
INSIDE: Final = "inside"
"""The mark of a run that was called: what stands in it is in its own journal."""
_POINTS: Final = "breakpoints"
Key = tuple[str, str, str]
"""The node's path, the place, before or after."""


@dataclass(frozen=True, slots=True)
class Mark:
    """What the journal knows of one activation."""

    standing: bool
    node: str
    reason: Any
    hit: int
    edited: tuple[str, ...]
    counts: Mapping[str, int]
    stopped: str
    """The breakpoint that stopped it."""
    values: Mapping[str, Any]
    """What somebody put in the place of its values, as they are stored."""


@dataclass(slots=True)
class Past:
    """What a run that goes on wrote down before."""

    marks: dict[Key, Mark] = field(default_factory=dict)
    points: Sequence[Breakpoint] | None = None
    """Those it was given while it was under way."""
    values: ValueStore | None = None

    @property
    def standing(self) -> set[Key]:
        """What stood at the gate."""
        return {key for key, mark in self.marks.items() if mark.standing}

    def edit(self, stop: Stop) -> Mark | None:
        """Put what somebody put in the place of values there again."""
        mark = self.marks.get(stop.key)
        if mark is None:
            return None
        stop.edited = list(mark.edited)
        if self.values is not None:
            for name, stored in mark.values.items():
                stop.values[name] = self.values.get(stored)
        return mark


def past(rows: Iterable[StepRow], values: ValueStore | None) -> Past:
    """Read the rows of a run that goes on."""
    found = Past(values=values)
    for row in rows:
        known = row.variables
        if row.key == _POINTS:
            found.points = msgspec.convert(known["points"], list[Breakpoint])
            continue
        found.marks[row.node, row.scope, row.key] = Mark(
            standing=known["standing"],
            node=known["node"],
            reason=known["reason"],
            hit=known["hit"],
            edited=tuple(known["edited"]),
            counts=known["counts"],
            stopped=known["stopped"],
            values=row.outputs,
        )
    return found


def write_points(recording: Recording, points: Sequence[Breakpoint]) -> None:
    """Write down breakpoints that were set while the run is under way."""
    listed = [msgspec.to_builtins(point) for point in points]
    _write(recording, StepRow(node="", key=_POINTS, variables={"points": listed}))


def write_stop(
    recording: Recording, stop: Stop, counts: Mapping[str, int], stopped: str, *, standing: bool
) -> None:
    """Write down where an activation stands, or that it has gone on."""
    if recording.values is None or not recording.kept:
        return
    put, path = recording.values.put, stop.unit.path
    keys = {key for port in _edited(stop) for key in port.keys}
    row = StepRow(
        node=path,
        scope=stop.place,
        key=stop.when,
        outputs={key: put(stop.values[key], f"{path}.{key}").as_dict() for key in sorted(keys)},
        variables={
            "standing": standing,
            "node": stop.node,
            "reason": stop.reason,
            "hit": stop.hit,
            "edited": stop.edited,
            "counts": dict(counts),
            "stopped": stopped,
        },
    )
    _write(recording, row)


def write_inside(recording: Recording, path: str, place: str, *, standing: bool) -> None:
    """Write down that something stands in a run that this one called, or stands no more."""
    known = {"node": path, "reason": "breakpoint", "hit": 0, "edited": [], "counts": {}}
    said = {"standing": standing, "stopped": "", **known}
    _write(recording, StepRow(node=path, scope=place, key=INSIDE, variables=said))


def _edited(stop: Stop) -> list[Shown]:
    ports = shown_ports(stop)
    return [port for port in ports if port.name in stop.edited
            and stop.values.get(port.keys[0], SKIP) is not SKIP]  # fmt: skip


def _write(recording: Recording, row: StepRow) -> None:
    if recording.kept:
        row.kind, row.state = STOP, "started"
        recording.add(row)
