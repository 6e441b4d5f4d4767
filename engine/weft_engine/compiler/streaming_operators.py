"""The operators that a flow in streaming mode becomes beside those of the kernel."""

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from weft_engine.compiler.streaming_steps import (
    Program,
    Site,
    StepFailure,
    Watch,
    run_steps,
    run_steps_waiting,
)
from weft_engine.kernel.batch import Batch
from weft_engine.kernel.custom import Process, Sink
from weft_engine.kernel.io_loop import Worker
from weft_engine.kernel.operators.base import NOTHING, Emission, Operator
from weft_engine.kernel.operators.base import Batch as Records
from weft_engine.kernel.operators.records import RunProcess
from weft_engine.kernel.operators.waiting import timed_out
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.runtime.failures import OperatorFailure
from weft_engine.kernel.runtime.operator import OperatorContext, StreamOperator
from weft_engine.kernel.streaming.async_map import AsyncMap
from weft_engine.kernel.streaming.calls import Call
from weft_engine.kernel.streaming.collector import Collector
from weft_engine.nodes.types import SKIP

CONCURRENCY: Final = 16
"""How many records of a stretch are under way at a time where its nodes do not say."""
COUNTS: Final = "counts"
UNDER: Final = "under"
_encoder: Final = msgspec.msgpack.Encoder(enc_hook=repr, order="deterministic")


class Tap(StreamOperator):
    """Lets everything through, and has it counted and sampled; counts are part of checkpoints."""

    def __init__(self, watch: Watch, port: str) -> None:
        self._watch = watch.fresh()
        self._port = port

    def restore(self, pieces: Sequence[Any]) -> None:
        context, counts = self.context, [counts for _, counts in pieces]
        self._watch.open(place_of(context), context.attempt, counts)

    def process(self, port: int, batch: Batch) -> None:
        self._watch.gave(self._port, batch.values)
        self.context.emit(batch)

    def snapshot(self, checkpoint: int) -> list[Any]:
        return [(COUNTS, self._watch.counts())]

    def close(self) -> None:
        self._watch.close()


class _Stretch:
    """What both ways to work through a stretch have in common."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.sites = [Site(step) for step in program.steps]
        self.number = 0
        """How many records were taken, over all attempts."""
        self._out: Collector
        self._opened: list[Site] = []

    def begin(self, context: OperatorContext) -> None:
        self._out = Collector(context, max(len(self.program.ports), 1))
        for site in self.sites:
            self._opened.append(site)
            site.open()

    def restored(self, pieces: Sequence[Any], context: OperatorContext) -> None:
        held = [piece for kind, piece in pieces if kind == COUNTS]
        self.number = max((piece["number"] for piece in held), default=0)
        for site in self.sites:
            name = site.step.name
            known = [piece["nodes"][name] for piece in held if name in piece["nodes"]]
            site.watch.open(place_of(context), context.attempt, known)

    def counts(self) -> tuple[str, Any]:
        nodes = {site.step.name: site.watch.counts() for site in self.sites}
        return (COUNTS, {"number": self.number, "nodes": nodes})

    def identity(self, value: Any, number: int) -> str:
        """What names a record, also when it comes again after a restart."""
        if self.program.numbered:
            return str(number)
        if isinstance(value, dict) and "event_id" in value:
            return str(value["event_id"])
        return hashlib.blake2b(_encoder.encode(value), digest_size=12).hexdigest()

    def emit(self, slots: Sequence[Any], time: int | None) -> None:
        """Send on what became of a record."""
        watches = {site.step.name: site.watch for site in self.sites}
        for output, (node, port, slot, many) in enumerate(self.program.ports):
            value = slots[slot]
            if value is SKIP:
                continue
            records = list(value or ()) if many else [value]
            watches[node].gave(port, records)
            for record in records:
                self._out.add(record, time, output)

    @property
    def out(self) -> Collector:
        return self._out

    def end(self) -> None:
        opened, self._opened = self._opened, []
        for site in opened:
            site.close()


class Steps(StreamOperator):
    """Leads every record through the nodes of a stretch, one after the other."""

    def __init__(self, spec: OperatorSpec, program: Program) -> None:
        self._spec = spec
        self._stretch = _Stretch(program)

    def open(self, context: OperatorContext) -> None:
        super().open(context)
        self._stretch.begin(context)

    def restore(self, pieces: Sequence[Any]) -> None:
        self._stretch.restored(pieces, self.context)

    def process(self, port: int, batch: Batch) -> None:
        stretch, out = self._stretch, self._stretch.out
        times: Sequence[int | None] = batch.times or [None] * len(batch.values)
        for value, time in zip(batch.values, times, strict=True):
            stretch.number += 1
            slots = list(stretch.program.slots)
            slots[0] = value
            try:
                run_steps(stretch.sites, slots, stretch.identity(value, stretch.number))
            except StepFailure as failure:
                cause = failure.__cause__ or failure
                raise OperatorFailure(self._spec.uid, cause, value) from cause
            stretch.emit(slots, time)
            if out.full:
                out.flush()
        out.flush()

    def snapshot(self, checkpoint: int) -> list[Any]:
        return [self._stretch.counts()]

    def close(self) -> None:
        self._stretch.end()


class WaitingSteps(AsyncMap):
    """As `Steps`, with several records under way at a time; what leaves keeps their order.

    Records under way at a barrier are part of the checkpoint, with their numbers: their nodes are
    called again after a restart, with the same identity.
    """

    def __init__(self, spec: OperatorSpec, program: Program) -> None:
        super().__init__(spec, self._work, _concurrency(program))
        self._stretch = _Stretch(program)
        self._threads: list[Worker] = []

    def open(self, context: OperatorContext) -> None:
        super().open(context)
        self._stretch.begin(context)
        self._out = self._stretch.out

    def restore(self, pieces: Sequence[Any]) -> None:
        self._stretch.restored(pieces, self.context)
        super().restore([piece for kind, piece in pieces if kind == UNDER])

    def process(self, port: int, batch: Batch) -> None:
        first = self._stretch.number + 1
        self._stretch.number += len(batch.values)
        values = list(enumerate(batch.values, first))
        super().process(port, Batch(values, batch.times, batch.keys))

    def snapshot(self, checkpoint: int) -> list[Any]:
        under = super().snapshot(checkpoint)
        return [self._stretch.counts(), *((UNDER, tuple(piece)) for piece in under)]

    def close(self) -> None:
        super().close()
        for worker in self._threads:
            worker.close()
        self._stretch.end()

    async def _work(self, numbered: tuple[int, Any]) -> list[Any]:
        number, value = numbered
        stretch = self._stretch
        slots = list(stretch.program.slots)
        slots[0] = value
        identity = stretch.identity(value, number)
        await run_steps_waiting(
            stretch.sites, slots, identity, self._blocking, asyncio.sleep, _limited
        )
        return slots

    async def _blocking(self, work: Callable[[], Any]) -> Any:
        worker = self._threads.pop() if self._threads else Worker("weft-live")
        found = await worker.call(work)  # given up on, it is left behind
        self._threads.append(worker)
        return found

    def _settle(self, call: Call) -> None:
        error = call.error
        if error is None:
            self._stretch.emit(call.value, call.time)
        elif isinstance(error, StepFailure):
            cause = error.__cause__ or error
            raise OperatorFailure(self._spec.uid, cause, call.wanted[1]) from cause
        else:
            raise error
        if self._out.full:
            self._out.flush()


def place_of(context: OperatorContext) -> str:
    """A name for one operator in one subtask."""
    return f"{context.spec.uid}#{context.subtask}"


async def _limited(asked: Any, seconds: float) -> Any:
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await asked
    except TimeoutError as exc:
        if limit.expired():
            raise timed_out(seconds) from exc
        raise


def _concurrency(program: Program) -> int:
    wanted = [step.settings.get("concurrency") for step in program.steps if step.waits]
    numbers = [number for number in wanted if isinstance(number, int) and number > 0]
    return min(numbers, default=CONCURRENCY)


class SinkAtEnd(Operator):
    """Holds all records until the stream has ended, then gives them to a sink of one's own."""

    held = ("_records",)

    def __init__(self, factory: Callable[[], Sink[Any, Any]]) -> None:
        self._factory = factory
        self._records: Records = []

    def process(self, port: int, batch: Records) -> Emission:
        self._records += batch
        return NOTHING

    def finish(self) -> Emission:
        sink = self._factory()
        try:
            sink.open()
            for start in range(0, len(self._records), self.context.batch_size):
                sink.write(self._records[start : start + self.context.batch_size])
            found = sink.finish()
        finally:
            sink.close()
        return ((0, [found]),)


class KeptProcess(RunProcess):
    """An operator somebody wrote, with what it holds as part of checkpoints."""

    held = ("_process",)

    def __init__(self, factory: Callable[[], Process[Any, Any]]) -> None:
        super().__init__(factory)
