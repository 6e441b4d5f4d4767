"""Operators that look at one record after the other."""

from collections.abc import Callable, Iterable, Iterator
from itertools import compress, islice
from typing import Any

from weft_engine.kernel.custom import Process, Sink
from weft_engine.kernel.operators.base import (
    NOTHING,
    Batch,
    Context,
    Emission,
    Linear,
    Operator,
    apply_each,
    in_batches,
)
from weft_engine.kernel.operators.keys import frozen


class Map(Linear):
    """One record becomes another."""

    def __init__(self, fn: Callable[[Any], Any]) -> None:
        self._fn = fn

    def apply(self, batch: Batch) -> Batch:
        return apply_each(self._fn, batch, self.context, _ignore)


class Filter(Linear):
    """Records are kept or not."""

    def __init__(self, fn: Callable[[Any], Any]) -> None:
        self._fn = fn

    def apply(self, batch: Batch) -> Batch:
        dropped: list[int] = []
        flags = apply_each(self._fn, batch, self.context, dropped.append)
        for position in dropped:
            flags.insert(position, False)
        return list(compress(batch, flags))


class MapBatch(Linear):
    """A list of records becomes another list; it fails or succeeds as a whole."""

    def __init__(self, fn: Callable[[Batch], Batch]) -> None:
        self._fn = fn

    def apply(self, batch: Batch) -> Batch:
        try:
            return self._fn(batch)
        except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
            kept, value = self.context.settle(exc, batch, lambda: self._fn(batch))
            return value if kept and value is not None else []


class FlatMap(Operator):
    """One record becomes any number of others, read bit by bit."""

    def __init__(self, fn: Callable[[Any], Iterable[Any]]) -> None:
        self._fn = fn

    def process(self, port: int, batch: Batch) -> Emission:
        size = self.context.batch_size
        out: Batch = []
        for record in batch:
            for part in expand(self._fn, record, size, self.context):
                out = out + part if out else part
                if len(out) >= size:
                    yield 0, out
                    out = []
        if out:
            yield 0, out


def expand(
    fn: Callable[[Any], Iterable[Any]], record: Any, size: int, context: Context
) -> Iterator[Batch]:
    """What one record becomes, in lists of at most `size`."""
    emitted = False

    def first() -> tuple[Batch, Iterator[Any]]:
        rest = iter(fn(record))
        return list(islice(rest, size)), rest

    try:
        part, rest = first()
        while part:
            yield part
            emitted = True
            part = list(islice(rest, size))
    except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
        kept, again = context.settle(exc, record, None if emitted else first)
        if not kept or again is None:
            return
        part, rest = again
        while part:
            yield part
            part = list(islice(rest, size))


class Limit(Linear):
    """The first records only."""

    def __init__(self, count: int) -> None:
        self._left = max(count, 0)
        self.exhausted = self._left == 0

    def apply(self, batch: Batch) -> Batch:
        out = batch if len(batch) <= self._left else batch[: self._left]
        self._left -= len(out)
        self.exhausted = self._left == 0
        return out


class Distinct(Linear):
    """The first record of every key."""

    def __init__(self, key: Callable[[Any], Any] | None) -> None:
        self._key = key
        self._seen: set[Any] = set()

    def apply(self, batch: Batch) -> Batch:
        key, seen = self._key, self._seen
        keys = batch
        if key is not None:
            dropped: list[int] = []
            keys = apply_each(key, batch, self.context, dropped.append)
            for position in reversed(dropped):
                batch = batch[:position] + batch[position + 1 :]
        out = []
        for record, value in zip(batch, keys, strict=True):
            mark = frozen(value)
            if mark not in seen:
                seen.add(mark)
                out.append(record)
        return out


class Split(Operator):
    """Every record goes to one of several outputs, or to none."""

    def __init__(self, fn: Callable[[Any], int | None], count: int) -> None:
        self._fn = fn
        self._count = count

    def process(self, port: int, batch: Batch) -> Emission:
        dropped: list[int] = []
        routes = apply_each(self._fn, batch, self.context, dropped.append)
        for position in dropped:
            routes.insert(position, None)
        outs: list[Batch] = [[] for _ in range(self._count)]
        for record, route in zip(batch, routes, strict=True):
            if route is not None:
                outs[route].append(record)
        return [(index, out) for index, out in enumerate(outs) if out]


class RunProcess(Operator):
    """An operator somebody wrote."""

    def __init__(self, factory: Callable[[], Process[Any, Any]]) -> None:
        self._process = factory()

    def open(self, context: Context) -> None:
        super().open(context)
        self._process.open()

    def process(self, port: int, batch: Batch) -> Emission:
        size = self.context.batch_size
        out: Batch = []
        for record in batch:
            for part in expand(self._process.process, record, size, self.context):
                out = out + part if out else part
                if len(out) >= size:
                    yield 0, out
                    out = []
        if out:
            yield 0, out

    def finish(self) -> Emission:
        rest = iter(self._process.finish())
        while part := list(islice(rest, self.context.batch_size)):
            yield 0, part

    def close(self) -> None:
        self._process.close()


class RunSink(Operator):
    """Where a stream ends."""

    def __init__(self, factory: Callable[[], Sink[Any, Any]]) -> None:
        self._sink = factory()

    def open(self, context: Context) -> None:
        super().open(context)
        self._sink.open()

    def process(self, port: int, batch: Batch) -> Emission:
        self._sink.write(batch)
        return NOTHING

    def finish(self) -> Emission:
        return in_batches([self._sink.finish()], 1)

    def close(self) -> None:
        self._sink.close()


def _ignore(position: int) -> None:
    """A record that is left out leaves no trace."""
