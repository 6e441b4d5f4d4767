"""What a node is called with for every record of the streams it reads in step."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from weft_engine.errors import NodeError
from weft_engine.nodes.types import SKIP
from weft_engine.runs.engine.scope_run import ScopeRun
from weft_engine.runs.journal.records import Records
from weft_engine.runs.planned import Planned


def absent(scope: ScopeRun, unit: Planned) -> bool:
    """Whether it does not take part: something required is missing, or all of its streams."""
    lifted: list[bool] = []
    for slot in unit.slots:
        gone = [scope.value(key) is SKIP for key in slot.keys]
        if slot.required and all(gone):
            return True
        lifted += [lost for lost, how in zip(gone, slot.hows, strict=True) if how == "lift"]
    return bool(lifted) and all(lifted)


def rows(
    scope: ScopeRun, unit: Planned, overrides: Mapping[str, Any]
) -> Iterator[dict[str, Any] | None]:
    """The arguments for every record; None where something required was skipped.

    Overrides take the place of what arrives at a port: of its records, when it is a list.
    """
    steps: list[tuple[int, int, Iterator[Any]]] = []
    places: list[list[Any]] = []
    for at, slot in enumerate(unit.slots):
        values: list[Any] = []
        for place, (key, how) in enumerate(zip(slot.keys, slot.hows, strict=True)):
            value = overrides.get(slot.name, scope.value(key))
            if how == "lift" and value is not SKIP:
                steps.append((at, place, iter(value if _stream(value) else [value])))
            elif how == "collect" and isinstance(value, Records):
                value = value.listed()
            values.append(value)
        places.append(values)
    while True:
        ended = 0
        for at, place, records in steps:
            record = next(records, _END)
            ended += record is _END
            places[at][place] = record
        if ended == len(steps):
            return
        if ended:
            raise NodeError(
                "The streams that are read side by side differ in length.",
                code="node.uneven_streams",
                hint="Zip or join them.",
            )
        yield _arguments(unit, places)


def _arguments(unit: Planned, places: list[list[Any]]) -> dict[str, Any] | None:
    found: dict[str, Any] = {}
    for slot, values in zip(unit.slots, places, strict=True):
        value: Any = values[0]
        if slot.multiple:
            value = [given for given in values if given is not SKIP] or SKIP
        if value is not SKIP:
            found[slot.name] = value
        elif slot.required:
            return None
    return found


def _stream(value: Any) -> bool:
    return isinstance(value, Records | list)


_END: Final = object()
