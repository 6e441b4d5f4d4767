"""Events as bytes: pickle protocol 5, and only between processes that have shaken hands."""

import pickle
from collections.abc import Iterator, Sequence
from typing import Any

import cloudpickle  # type: ignore[import-untyped]

from weft_engine.errors import NodeError, said
from weft_engine.kernel.batch import Batch, Event, Watermark

_UNPICKLABLE = (pickle.PicklingError, AttributeError, TypeError, ValueError, RecursionError)


def dumps(value: Any) -> bytes:
    """Pickle a value; by cloudpickle if it takes that, as with what `__main__` defines.

    Raises:
        Exception: whatever pickling raises.
    """
    try:
        return pickle.dumps(value, 5)
    except _UNPICKLABLE:
        return bytes(cloudpickle.dumps(value, 5))


def encode(events: Sequence[Event]) -> bytes:
    """Events of one channel, in order, as the body of a frame.

    Raises:
        NodeError: `kernel.unpicklable`, naming the type of the first record that cannot be sent.
    """
    plain = [_plain(event) for event in events]
    try:
        return dumps(plain)
    except Exception as error:
        raise _unpicklable(events, error) from error


def decode(body: memoryview) -> list[Event]:
    """The events of a frame's body."""
    return [_event(item) for item in pickle.loads(body)]  # noqa: S301 - the peer is known


def _plain(event: Event) -> Any:
    if isinstance(event, Batch):
        return (event.values, event.times, event.keys)
    return event.time if isinstance(event, Watermark) else event


def _event(item: Any) -> Event:
    if isinstance(item, tuple):
        return Batch(*item)
    return Watermark(item) if isinstance(item, int) else item


def _unpicklable(events: Sequence[Event], error: Exception) -> NodeError:
    kind = next(_culprits(events), "record")
    return NodeError(
        f"A {kind} cannot be sent to another process: {said(error)}",
        code="kernel.unpicklable",
        hint="Let records that cross processes be plain data: no open files, locks or generators.",
        params={"type": kind},
    )


def _culprits(events: Sequence[Event]) -> Iterator[str]:
    for event in events:
        if isinstance(event, Batch):
            for item in (*event.values, *(event.keys or ())):
                try:
                    dumps(item)
                except Exception:  # noqa: BLE001 - any failure makes it the culprit
                    yield type(item).__qualname__
