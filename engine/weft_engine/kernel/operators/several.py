"""Operators that read several streams."""

from collections import deque
from collections.abc import Callable, Iterable
from typing import Any

from weft_engine.errors import NodeError
from weft_engine.kernel.custom import JoinKind
from weft_engine.kernel.operators.base import (
    NOTHING,
    Batch,
    Emission,
    Operator,
    RecordError,
    in_batches,
)
from weft_engine.kernel.operators.keys import frozen


class Join(Operator):
    """Records of two streams whose keys are equal; the right side is held."""

    stages = ((1,), (0,))

    def __init__(
        self,
        left_key: Callable[[Any], Any],
        right_key: Callable[[Any], Any],
        combine: Callable[[Any, Any], Any],
        how: JoinKind,
    ) -> None:
        self._left_key = left_key
        self._right_key = right_key
        self._combine = combine
        self._keep_left = how in ("left", "outer")
        self._keep_right = how in ("right", "outer")
        self._right: Batch = []
        self._index: dict[Any, list[int]] = {}
        self._met = bytearray()

    def process(self, port: int, batch: Batch) -> Emission:
        if port == 1:
            deque(self._each(self._hold, batch), maxlen=0)
            return NOTHING
        return self._each(self._match, batch)

    def finish(self) -> Emission:
        if self._keep_right:
            alone = (record for met, record in zip(self._met, self._right, strict=True) if not met)
            yield from self._each(lambda right: [self._combine(None, right)], alone)

    def close(self) -> None:
        self._right, self._index = [], {}

    def _hold(self, record: Any) -> Batch:
        value = self._right_key(record)
        if value is not None:
            self._index.setdefault(frozen(value), []).append(len(self._right))
        if value is not None or self._keep_right:
            self._right.append(record)
            self._met.append(0)
        return []

    def _match(self, left: Any) -> Batch:
        value = self._left_key(left)
        places = self._index.get(frozen(value), ()) if value is not None else ()
        if not places:
            return [self._combine(left, None)] if self._keep_left else []
        for place in places:
            self._met[place] = 1
        return [self._combine(left, self._right[place]) for place in places]

    def _each(self, work: Callable[[Any], Batch], records: Iterable[Any]) -> Emission:
        """Do the work for every record and emit what it gives."""
        size = self.context.batch_size
        out: Batch = []
        for record in records:
            try:
                out += work(record)
            except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
                self.context.give_up(exc, record)
            if len(out) >= size:
                yield from in_batches(out, size)
                out = []
        if out:
            yield 0, out


class Concat(Operator):
    """All of the first stream, then all of the next."""

    def __init__(self, count: int) -> None:
        self.stages = tuple((port,) for port in range(count))

    def process(self, port: int, batch: Batch) -> Emission:
        return ((0, batch),)

    def absent(self, inputs: list[bool]) -> bool:
        return all(inputs)


class FirstOf(Operator):
    """The first of several streams, in their order, that has a record.

    Holds what comes from a stream while one before it may still have a record.
    """

    def __init__(self, count: int, left_out: Callable[[int], None] | None) -> None:
        self._held: list[list[Batch]] = [[] for _ in range(count)]
        self._open = set(range(count))
        self._chosen: int | None = None
        self._left_out = left_out
        self._dropped = 0

    def process(self, port: int, batch: Batch) -> Emission:
        if self._chosen is None:
            self._held[port].append(batch)
            return self._choose()
        if port == self._chosen:
            return ((0, batch),)
        self._dropped += len(batch)
        return NOTHING

    def end(self, port: int, absent: bool) -> Emission:
        self._open.discard(port)
        return self._choose() if self._chosen is None else NOTHING

    def finish(self) -> Emission:
        if self._dropped and self._left_out is not None:
            self._left_out(self._dropped)
        return NOTHING

    def absent(self, inputs: list[bool]) -> bool:
        return all(inputs)

    def _choose(self) -> Emission:
        """Take the first stream that has records, once none before it may have any."""
        for port, batches in enumerate(self._held):
            if batches:
                self._chosen = port
                self._dropped = sum(
                    len(batch) for held in self._held for batch in held if held is not batches
                )
                self._held = []
                return tuple((0, batch) for batch in batches)
            if port in self._open:
                break
        return NOTHING


class Union(Operator):
    """The records of several streams as they come."""

    def process(self, port: int, batch: Batch) -> Emission:
        return ((0, batch),)

    def absent(self, inputs: list[bool]) -> bool:
        return all(inputs)


class Aligner:
    """Brings several streams of the same length together by position.

    What is ahead is held: no more than a batch, unless one stream is slower than another.
    """

    def __init__(self, count: int) -> None:
        self._queues: list[deque[Any]] = [deque() for _ in range(count)]
        self._fillings: dict[int, Any] = {}

    def feed(self, port: int, batch: Batch) -> list[tuple[Any, ...]]:
        """Take a batch; give back the rows that are complete."""
        self._queues[port].extend(batch)
        return self._rows()

    def leave_out(self, port: int, filling: Any) -> list[tuple[Any, ...]]:
        """Do without a stream, and have something else in its place."""
        self._fillings[port] = filling
        return self._rows()

    def _rows(self) -> list[tuple[Any, ...]]:
        live = [queue for port, queue in enumerate(self._queues) if port not in self._fillings]
        ready = min(map(len, live), default=0)
        if not self._fillings:
            return [tuple(queue.popleft() for queue in live) for _ in range(ready)]
        return [
            tuple(
                self._fillings[port] if port in self._fillings else queue.popleft()
                for port, queue in enumerate(self._queues)
            )
            for _ in range(ready)
        ]

    def check_even(self) -> None:
        """Make sure that nothing is left over."""
        left = next((queue[0] for queue in self._queues if queue), None)
        if any(self._queues):
            raise RecordError(left) from NodeError(
                "The streams that are read side by side do not have the same number of records.",
                code="node.uneven_streams",
                hint="Join them by a field instead, or take both from the same node.",
            )


class Zip(Operator):
    """The records of two streams of the same length, in pairs."""

    def __init__(self) -> None:
        self._aligner = Aligner(2)

    def process(self, port: int, batch: Batch) -> Emission:
        rows = self._aligner.feed(port, batch)
        return in_batches(rows, self.context.batch_size) if rows else NOTHING

    def finish(self) -> Emission:
        self._aligner.check_even()
        return NOTHING
