"""Values of stopped activations: by port, without secrets, and what may take their place."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

import msgspec

from weft_engine.compiler.variables import fill
from weft_engine.errors import FlowError
from weft_engine.kernel.redact import is_secret
from weft_engine.nodes.port_type import ANY, ROW, PortType, list_of, optional
from weft_engine.nodes.types import SKIP
from weft_engine.runs.engine.gate import Stop
from weft_engine.runs.engine.records import Records, records_of
from weft_engine.runs.engine.story import Story

MOST_SHOWN: Final = 100
"""How many records of a stream are shown."""
HIDDEN: Final = "•••"
_TEXTS: Final = frozenset({"Text", "Html", "Date"})
_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "Row": (), "Document": ("text",), "Chunk": ("text",), "Message": ("role", "content"),
    "File": ("path",), "Image": ("path",),
}  # fmt: skip
"""Types that are objects, and the texts that they have to have."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A port of a stopped activation that has a value."""

    name: str
    keys: tuple[str, ...]
    """What is replaced with it, in `Stop.values`."""
    type: PortType


def shown_ports(stop: Stop) -> list[Shown]:
    """The ports of a stopped activation, in their order; those without a value are left out."""
    found = _of_stretch(stop) if stop.unit.unit.kind == "stream" else _of_call(stop)
    return [port for port in found if stop.values.get(port.keys[0], SKIP) is not SKIP]


def _of_call(stop: Stop) -> Iterator[Shown]:
    unit, work = stop.unit, stop.unit.work
    variables = stop.scope.planned.plan.compiled.wiring.nodes[unit.name].variables
    if stop.when == "before":
        several = {slot.name: slot.multiple for slot in unit.slots}
        for port in work.inputs if work is not None else ():
            if port.name in stop.values:
                kind = fill(port.type, variables)
                if several.get(port.name):
                    kind = list_of(kind.inner if kind.stream else kind)
                elif not port.required:
                    kind = optional(kind)
                yield Shown(port.name, (port.name,), kind)
        return
    for name, kind in unit.kinds.items():
        declared = work.output(name) if work is not None else None
        if unit.unit.kind == "map" and kind.stream:
            kind = kind.inner if declared is None or not declared.type.stream else kind
        yield Shown(name, (name,), kind)


def _of_stretch(stop: Stop) -> Iterator[Shown]:
    wiring = stop.scope.planned.plan.compiled.wiring
    alone = len(stop.unit.unit.nodes) == 1
    if stop.when == "before" and alone:
        for port, sources in stop.unit.sources.items():
            for number, source in enumerate(sources):
                key = source["source"], source["source_port"]
                wired = wiring.output(*key)
                kind = wired.type if wired is not None else ANY
                yield Shown(
                    port if len(sources) == 1 else f"{port}.{number}", (".".join(key),), kind
                )
        return
    for name in stop.values:
        node, _, port = name.partition(".")
        wired = wiring.output(node, port)
        yield Shown(port if alone else name, (name,), wired.type if wired is not None else ANY)


def plain(value: Any) -> Any:
    """A value as conditions see it: of a stream, its first records."""
    return list(islice(value.live(), MOST_SHOWN)) if isinstance(value, Records) else value


def references(story: Story, stop: Stop) -> dict[str, dict[str, Any]]:
    """The values of a stopped activation, kept for looking at: port → reference."""
    found: dict[str, dict[str, Any]] = {}
    for port in shown_ports(stop):
        value = stop.values[port.keys[0]]
        if isinstance(value, Records):
            writer = story.store.records(MOST_SHOWN)
            writer.take([hidden(record) for record in plain(value)])
            ref = msgspec.structs.replace(writer.finish(), count=value.count)
            found[port.name] = ref.as_dict()
        else:
            found[port.name] = story.reference(hidden(value))
    return found


def hidden(value: Any) -> Any:
    """A copy in which fields that are likely to hold secrets do not show them."""
    if isinstance(value, Mapping):
        return {
            key: HIDDEN
            if isinstance(key, str) and item not in (None, "") and is_secret(key)
            else hidden(item)
            for key, item in value.items()
        }
    if isinstance(value, list | tuple):
        return [hidden(item) for item in value]
    return value


def replaced(stop: Stop, name: str, value: Any) -> tuple[Shown, Any]:
    """What takes the place of a value, as the run uses it.

    Where somebody left a secret as it was shown, it stays what it is.

    Raises:
        FlowError: `run.no_such_port`, or `run.bad_value`: it does not fit the port's type.
    """
    ports = {port.name: port for port in shown_ports(stop)}
    port = ports.get(name)
    if port is None:
        raise FlowError(
            f"The stopped activation has no value {name!r}.",
            code="run.no_such_port",
            hint=f"There are: {', '.join(ports)}." if ports else "It has none.",
            params={"at": stop.at, "port": name},
        )
    why = misfit(value, port.type)
    if why:
        raise FlowError(
            f"The value does not fit the port {name} of {stop.node}: {why}.",
            code="run.bad_value",
            hint=f"Give a value of the type {port.type}.",
            params={"at": stop.at, "port": name, "type": str(port.type)},
        )
    before = stop.values[port.keys[0]]
    known = _with_secrets(value, plain(before))
    return port, records_of(known) if isinstance(before, Records) else known


def _with_secrets(value: Any, before: Any) -> Any:
    if isinstance(value, dict) and isinstance(before, Mapping):
        return {
            key: before[key]
            if item == HIDDEN and key in before and is_secret(key)
            else _with_secrets(item, before.get(key))
            for key, item in value.items()
        }
    if isinstance(value, list) and isinstance(before, list | tuple):
        return [
            _with_secrets(item, before[at] if at < len(before) else None)
            for at, item in enumerate(value)
        ]
    return value


def misfit(value: Any, kind: PortType) -> str:
    """Why a value, as JSON, is not of a type; empty when it is."""
    if kind.optional:
        return "" if value is None else misfit(value, kind.inner)
    if kind.stream or kind.list:
        if not isinstance(value, list):
            return f"it takes a list of {kind.inner}, and this is {_called(value)}"
        whys = ((at, misfit(item, kind.inner)) for at, item in enumerate(value))
        return next((f"at {at}: {why}" for at, why in whys if why), "")
    if kind.name in _TEXTS:
        return _text(value, kind)
    if kind.name == "Embedding":
        return misfit(value, list_of(PortType("Number")))
    if kind.name in _NEEDS:
        return _object(value, kind)
    good = {
        "Number": isinstance(value, int | float) and not isinstance(value, bool),
        "Bool": isinstance(value, bool),
    }.get(kind.name, True)
    return "" if good else _not(kind, value)


def _text(value: Any, kind: PortType) -> str:
    if not isinstance(value, str):
        return _not(kind, value)
    if kind.name == "Date":
        try:
            datetime.fromisoformat(value)
        except ValueError:
            return f"{value!r} is no date; write it as 2026-01-31 or 2026-01-31T12:00:00Z"
    return ""


def _object(value: Any, kind: PortType) -> str:
    if not isinstance(value, dict):
        return _not(kind, value)
    missing = [name for name in _NEEDS[kind.name] if not isinstance(value.get(name), str)]
    return f"a {kind} has a text {missing[0]!r}" if missing and kind != ROW else ""


def _not(kind: PortType, value: Any) -> str:
    return f"it takes {kind}, and this is {_called(value)}"


def _called(value: Any) -> str:
    names = {str: "a text", bool: "true or false", int: "a number", float: "a number",
             list: "a list", dict: "an object", type(None): "null"}  # fmt: skip
    return names.get(type(value), type(value).__name__)
