"""The operators that lowered `process` nodes become.

A node that takes single values is called once (`ValueCall`, `ValueSource`). A lifted node is called
for every record of a stream; the streams it reads and gives are *in step*: one entry for each
record of their origin, `SKIP` where there is nothing. So two streams of one origin are paired by
position, and whatever leaves the origin's company drops the `SKIP`s (`DropSkips`).
"""

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any

from weft_engine.compiler.calls import Call
from weft_engine.kernel.operators.base import (
    NOTHING,
    Batch,
    Context,
    Emission,
    Linear,
    Operator,
    apply_each,
)
from weft_engine.kernel.operators.several import Aligner
from weft_engine.kernel.operators.source import IterableSource
from weft_engine.nodes.types import SKIP


class DropSkips(Linear):
    """Leaves out what was skipped."""

    def apply(self, batch: Batch) -> Batch:
        return [record for record in batch if record is not SKIP]


class Present(Linear):
    """Takes part even when what it reads does not: as an empty stream."""

    def apply(self, batch: Batch) -> Batch:
        return batch

    def absent(self, inputs: list[bool]) -> bool:
        return False


class Absent(Operator):
    """A stream that does not take part."""

    def missing(self, output: int) -> bool:
        return True


class ValueCall(Operator):
    """Calls a node once, when all its values are there."""

    def __init__(self, call: Call, places: int) -> None:
        self._call = call
        self._arrived: list[Any] = [SKIP] * places
        self._missing: set[int] = set()

    def open(self, context: Context) -> None:
        super().open(context)
        self._call.node.open(self._call.ctx)

    def close(self) -> None:
        self._call.node.close()

    def process(self, port: int, batch: Batch) -> Emission:
        self._arrived[port] = batch[-1]
        return NOTHING

    def finish(self) -> Emission:
        arguments = self._call.arguments(self._arrived)
        if arguments is None:
            return self._emit(self._call.skipped())
        self._call.stats.taken += 1
        try:
            results = self._call.results(self._call.method(**arguments))
        except Exception as exc:  # noqa: BLE001 - whatever a node raises is its failure
            return self._emit(value_failed(self._call, self.context, exc, self._arrived, 1))
        return self._emit([*results, SKIP] if self._call.routed else results)

    def absent(self, inputs: list[bool]) -> bool:
        return self._call.absent(inputs)

    def missing(self, output: int) -> bool:
        return output in self._missing

    def _emit(self, results: Sequence[Any]) -> Emission:
        self._missing = {index for index, value in enumerate(results) if value is SKIP}
        return spread(self._call, results, self.context.batch_size)


def value_failed(
    call: Call, context: Context, exc: Exception, arrived: Sequence[Any], attempt: int
) -> list[Any]:
    """What leaves a node whose one call failed, by its policy."""
    given = call.given(arrived)
    kept, value = give_up(context, exc, given, attempt)
    if call.routed:
        return call.failed(exc, given, attempt)
    return [*call.instead(value)] if kept else call.skipped()


def nothing(value: Any) -> bool:
    """Whether an output that carries many records carries none."""
    return value is SKIP or value is None


def give_up(context: Context, exc: Exception, given: Any, attempt: int) -> tuple[bool, Any]:
    """As `Context.give_up`, with the error output left to the caller."""
    kept, value = context.give_up(exc, given, attempt)
    context.failures.clear()
    return kept, value


def spread(call: Call, results: Sequence[Any], size: int) -> Emission:
    """Send the results of one call on; many records of an output bit by bit."""
    streams = set(call.streams())
    if not streams:
        return tuple((index, [value]) for index, value in enumerate(results) if value is not SKIP)
    return _spread(streams, results, size)


def _spread(streams: set[int], results: Sequence[Any], size: int) -> Emission:
    for index, value in enumerate(results):
        if value is SKIP:
            continue
        if index not in streams:
            yield index, [value]
        elif value is not None:
            rest = iter(value)
            while part := list(islice(rest, size)):
                yield index, part


class ValueSource(IterableSource):
    """Calls a node once, and reads bit by bit what it gives."""

    def __init__(self, call: Call, places: int) -> None:
        super().__init__(self._begin)
        self._call = call
        self._arrived: list[Any] = [SKIP] * places

    def open(self, context: Context) -> None:
        super().open(context)
        self._call.node.open(self._call.ctx)

    def process(self, port: int, batch: Batch) -> Emission:
        self._arrived[port] = batch[-1]
        return NOTHING

    def absent(self, inputs: list[bool]) -> bool:
        return self._call.absent(inputs)

    def missing(self, output: int) -> bool:
        return output == self._call.outputs  # a failure would have been sent on at once

    def subject(self) -> Any:
        return self._call.given(self._arrived) if self._arrived else None

    def close(self) -> None:
        try:
            super().close()
        finally:
            self._call.node.close()

    def _begin(self) -> Iterable[Any]:
        self._call.stats.taken = 1
        found: Iterable[Any] = self._call.method(**(self._call.arguments(self._arrived) or {}))
        return found


class LiftedMap(Linear):
    """Calls a node for every record of the one stream it reads; it gives one value at most."""

    def __init__(self, call: Call, *, skips: bool) -> None:
        self._call = call
        self._fn: Callable[[Any], Any] = call.method
        self._skips = skips

    def open(self, context: Context) -> None:
        super().open(context)
        self._call.node.open(self._call.ctx)

    def close(self) -> None:
        self._call.node.close()

    def apply(self, batch: Batch) -> Batch:
        if self._skips and any(record is SKIP for record in batch):
            return self._around_skips(batch)
        dropped: list[int] = []
        out = apply_each(self._fn, batch, self.context, dropped.append)
        self._call.stats.taken += len(batch)
        for position in dropped:
            out.insert(position, SKIP)
        return out

    def _around_skips(self, batch: Batch) -> Batch:
        places = [index for index, record in enumerate(batch) if record is not SKIP]
        dropped: list[int] = []
        out = apply_each(self._fn, [batch[at] for at in places], self.context, dropped.append)
        self._call.stats.taken += len(places)
        for position in dropped:
            out.insert(position, SKIP)
        filled: Batch = [SKIP] * len(batch)
        for at, value in zip(places, out, strict=True):
            filled[at] = value
        return filled


class Rows:
    """What arrives at a lifted node: single values first, then streams in step."""

    def __init__(self, places: int, streams: Sequence[int]) -> None:
        self._arrived: list[Any] = [SKIP] * places
        self._streams = {place: index for index, place in enumerate(streams)}
        self._aligner = Aligner(len(streams))
        values = tuple(place for place in range(places) if place not in self._streams)
        self.stages = (values, tuple(streams)) if values else ()

    def take(self, place: int, batch: Batch) -> list[list[Any]]:
        """The rows that are complete; each has a value for every place."""
        if place not in self._streams:
            self._arrived[place] = batch[-1]
            return []
        return self._filled(self._aligner.feed(self._streams[place], batch))

    def leave_out(self, place: int) -> list[list[Any]]:
        """Do without an input."""
        if place not in self._streams:
            return []
        return self._filled(self._aligner.leave_out(self._streams[place], SKIP))

    def check_even(self) -> None:
        """Make sure that the streams were of the same length."""
        self._aligner.check_even()

    def _filled(self, found: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
        rows: list[list[Any]] = []
        for values in found:
            row = list(self._arrived)
            for place, index in self._streams.items():
                row[place] = values[index]
            rows.append(row)
        return rows


class Lifted(Operator):
    """Calls a node for every row; any inputs, any outputs."""

    def __init__(self, call: Call, places: int, streams: Sequence[int]) -> None:
        self._call = call
        self._rows = Rows(places, streams)
        self._streams = streams
        self.stages = self._rows.stages

    def open(self, context: Context) -> None:
        super().open(context)
        self._call.node.open(self._call.ctx)

    def close(self) -> None:
        self._call.node.close()

    def process(self, port: int, batch: Batch) -> Emission:
        rows = self._rows.take(port, batch)
        return self._work(rows) if rows else NOTHING

    def end(self, port: int, absent: bool) -> Emission:
        rows = self._rows.leave_out(port) if absent else []
        return self._work(rows) if rows else NOTHING

    def finish(self) -> Emission:
        self._rows.check_even()
        return NOTHING

    def absent(self, inputs: list[bool]) -> bool:
        return self._call.absent(inputs, self._streams)

    def _work(self, rows: list[list[Any]]) -> Emission:
        outs: list[Batch] = [[] for _ in self._call.skipped()]
        for row in rows:
            for out, value in zip(outs, self._one(row), strict=True):
                out.append(value)
        return tuple(enumerate(outs))

    def _one(self, row: list[Any]) -> Sequence[Any]:
        call = self._call
        arguments = call.arguments(row)
        if arguments is None:
            return call.skipped()
        call.stats.taken += 1
        try:
            results = call.results(call.method(**arguments))
        except Exception as exc:  # noqa: BLE001 - whatever a node raises is its failure
            return value_failed(call, self.context, exc, row, 1)
        return [*results, SKIP] if call.routed else results


class LiftedMany(Lifted):
    """Calls a node for every row; each call gives any number of records, read bit by bit."""

    def _work(self, rows: list[list[Any]]) -> Emission:
        size, streams = self.context.batch_size, set(self._call.streams())
        outs: list[Batch] = [[] for _ in self._call.skipped()]
        for row in rows:
            results = list(self._one(row))
            try:
                for index in streams:
                    rest = iter(() if nothing(results[index]) else results[index])
                    while part := list(islice(rest, size)):
                        outs[index] += part
                        if len(outs[index]) >= size:
                            yield index, outs[index]
                            outs[index] = []
            except Exception as exc:  # noqa: BLE001 - whatever a node raises is its failure
                results = value_failed(self._call, self.context, exc, row, 1)
            for index, value in enumerate(results):
                if index not in streams:
                    outs[index].append(value)
        yield from ((index, out) for index, out in enumerate(outs) if out)
