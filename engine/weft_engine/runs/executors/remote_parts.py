"""Stretches that work on one record after the other, cut into parts for several workers.

The records of a large stream are dealt out in contiguous parts, and what comes of the parts is put
together in their order: results are what one worker would have given, and so is what is told.
"""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from time import monotonic
from typing import Any, Final

from weft_engine.errors import WeftError
from weft_engine.nodes.types import SKIP
from weft_engine.runs.executors.base import Handle, Sink, UnitOutcome, UnitTask
from weft_engine.runs.executors.remote_told import PartSink, Together
from weft_engine.runs.executors.threads import pool
from weft_engine.runs.journal.records import Records, RecordsWriter
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.planned import Key

LARGE = 5000
"""From so many records on a stream is worth several workers."""
_MOST: Final = 16

Submit = Callable[[UnitTask, Sink, Callable[[UnitOutcome], None]], Handle]


def divisible(task: UnitTask) -> Key | None:
    """The stream by which a unit can be cut into parts; None when it is to stay whole."""
    if task.unit.kind != "stream":
        return None
    streams = [key for key, value in task.inputs.items() if isinstance(value, Records)]
    if len(streams) != 1 or task.inputs[streams[0]].count < LARGE:
        return None
    return streams[0] if all(_one_by_one(task, name) for name in task.unit.nodes) else None


def _one_by_one(task: UnitTask, name: str) -> bool:
    """Whether a node makes of every record what it would make of it alone."""
    compiled = task.plan.compiled
    node, work = compiled.nodes[name], compiled.works[name]
    info = type(node).info
    if not work.outputs or info.effects or not info.pure or not info.deterministic:
        return False
    if compiled.flow.nodes[name].pinned is not None:
        return False
    if work.kind == "process":
        # What several streams in step make of a record is for one worker to say.
        inputs = compiled.wiring.nodes[name].inputs.values()
        return compiled.wiring.nodes[name].lifted and sum(len(keys) for keys in inputs) == 1
    rows = node.row_work()
    return rows is not None and rows.kind in ("each", "filter")


class Parts:
    """A unit in parts; its handle."""

    def __init__(
        self,
        task: UnitTask,
        by: Key,
        most: int,
        submit: Submit,
        sink: Sink,
        store: OutputStore,
        done: Callable[[UnitOutcome], None],
    ) -> None:
        """`most` is how many parts there may be."""
        self._task = task
        self._by = by
        stream = task.inputs[by]
        self._count = max(1, min(most, _MOST, stream.count * 2 // LARGE))
        self._submit = submit
        self._done = done
        self._lock = threading.Lock()
        self._handles: list[Handle] = []
        self._found: dict[int, UnitOutcome] = {}
        self._cancelled = False
        self._together = Together(task.unit.nodes, sink, store)
        self._began = monotonic()
        pool.run(self._begin)

    def cancel(self) -> None:
        """Stop all parts."""
        with self._lock:
            self._cancelled = True
            handles = list(self._handles)
        for handle in handles:
            handle.cancel()

    def _begin(self) -> None:
        try:
            parts = list(self._divided())
        except Exception as error:  # noqa: BLE001 - the run says what it means
            self._done(UnitOutcome(failure=error))
            return
        self._count = len(parts)
        for number, part in enumerate(parts):
            task = replace(self._task, inputs={**self._task.inputs, self._by: part})
            handle = self._submit(task, PartSink(self._together, number), self._one_done(number))
            with self._lock:
                self._handles.append(handle)
                late = self._cancelled or self._failed_before(number)
            if late:
                handle.cancel()

    def _divided(self) -> Iterator[Records]:
        stream: Records = self._task.inputs[self._by]
        size = -(-stream.count // self._count)
        writer = RecordsWriter(gaps=stream.gaps)
        for batch in stream.batches(min(1024, size)):
            rest = batch
            while rest:
                room = size - writer.count
                writer.take(rest[:room])
                rest = rest[room:]
                if writer.count == size:
                    yield writer.finish()
                    writer = RecordsWriter(gaps=stream.gaps)
        if writer.count:
            yield writer.finish()

    def _failed_before(self, number: int) -> bool:
        return any(at < number and found.failure for at, found in self._found.items())

    def _one_done(self, number: int) -> Callable[[UnitOutcome], None]:
        def done(found: UnitOutcome) -> None:
            with self._lock:
                self._found[number] = found
                over = len(self._found) == self._count
                # What comes behind a failure does not matter any more.
                behind = self._handles[number + 1 :] if found.failure is not None else []
            for handle in behind:
                handle.cancel()
            if over:
                pool.run(self._end)

        return done

    def _end(self) -> None:
        found = [self._found[number] for number in range(self._count)]
        failed = next((at for at, each in enumerate(found) if each.failure is not None), None)
        if failed is not None:
            self._together.failed(failed)
            self._done(found[failed])
        elif any(each.cancelled for each in found):
            self._together.failed(next(at for at, each in enumerate(found) if each.cancelled))
            self._done(UnitOutcome(cancelled=True))
        else:
            try:
                outputs = self._outputs(found)
                self._together.completed((monotonic() - self._began) * 1000)
            except (WeftError, OSError) as error:
                self._done(UnitOutcome(failure=error))
                return
            self._done(UnitOutcome(outputs=outputs))

    def _outputs(self, found: list[UnitOutcome]) -> dict[Key, Any]:
        keys = list(dict.fromkeys(key for each in found for key in each.outputs))
        return {key: self._joined(key, found) for key in keys}

    def _joined(self, key: Key, found: list[UnitOutcome]) -> Any:
        given = [each.outputs.get(key, SKIP) for each in found]
        streams = [value for value in given if isinstance(value, Records)]
        if not streams:
            return next(value for value in given if value is not SKIP)
        writer = RecordsWriter(gaps=any(stream.gaps for stream in streams))
        for stream in streams:
            for batch in stream.batches():
                writer.take(batch)
        return writer.finish()
