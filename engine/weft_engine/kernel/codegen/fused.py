"""Operators that run in one loop."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, NoReturn

from weft_engine.kernel.batch import Batch
from weft_engine.kernel.codegen.body import Shape, Variant
from weft_engine.kernel.codegen.leaving import Leaving
from weft_engine.kernel.codegen.part import Part
from weft_engine.kernel.codegen.running import Running
from weft_engine.kernel.codegen.sampling import Sampling
from weft_engine.kernel.codegen.segments import Segments, make_segments
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.runtime.failures import NO_RECORD, OperatorFailure
from weft_engine.kernel.runtime.operator import OperatorContext, StreamOperator


class FusedOperator(StreamOperator):
    """One operator of a group that runs in one loop.

    Every operator of the group is such an object, opened with its own context. Only the first is
    given batches: it does the work of all, and emits by the context of the last. (If another is
    given a batch, because a function has emitted something by its context, the work goes on from
    there, by a loop of its own.)
    """

    sample_every: ClassVar[int] = 256
    """How often a batch goes through the instrumented loop; the first does, too. Looking at the
    clock before and after every operator makes the cheapest loops six times as slow: that is 2 %
    when it is done so rarely."""
    part: Part

    def __init__(
        self,
        spec: OperatorSpec,
        group: Sequence["FusedOperator"],
        at: int,
        variant: Variant,
        next_key: Callable[[Any], Any] | None,
    ) -> None:
        self.spec = spec
        self.variant: Variant = variant
        """May be changed between batches."""
        self.hook: Callable[[str, str, Any], Any] = _unchanged
        """What the stepping variant of this operator's loop calls before (`in`) and after (`out`)
        every operator, with the operator's uid, which of both, and the record; what it returns
        takes the record's place."""
        self._group = group
        self._at = at
        self._next_key = next_key
        self._chains: dict[tuple[Variant, bool, bool], Segments] = {}
        self._until_sample = 0
        self._is_several = False
        self._running: list[Running] = []
        self._sampling: Sampling | None = None

    def open(self, context: OperatorContext) -> None:
        super().open(context)
        self.part = Part(self.spec, context)
        self._is_several = self._at + 1 < len(self._group)

    def measure_always(self) -> None:
        if self.variant == "fast" and self._at + 1 < len(self._group):
            self.variant = "instrumented"

    def process(self, port: int, batch: Batch) -> None:
        variant = self._variant_now()
        timed = batch.times is not None and self.spec.timed
        keyed = batch.keys is not None and self._at == 0 and self.spec.key is not None
        chain = self._chains.get((variant, timed, keyed))
        if chain is None:
            chain = self._make_chain(variant, timed=timed, keyed=keyed)
        if self._sampling is not None:
            self._sampling.seen(len(batch.values))
        first = self.part.running
        if first is not None and first.batched and keyed and batch.keys is not None:
            first.prefetch(batch.keys)
        try:
            chain.run(batch.values, batch.times, batch.keys)
        except OperatorFailure:
            raise
        except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
            self._blame(exc, chain)
        for running in self._running:
            running.trim()

    def _variant_now(self) -> Variant:
        """The loop for the batch at hand; a batch that is traced serves as the sample, too."""
        self._until_sample -= 1
        if self._until_sample >= 0 and self.shares is None:
            return self.variant
        self._until_sample = self.sample_every - 1
        return "instrumented" if self.variant == "fast" and self._is_several else self.variant

    def advance(self, time: int) -> int | None:
        if self.part.record is not None:
            self.part.record.reached = time
        return time

    def finish(self) -> None:
        self._write_back()
        if self._sampling is not None:
            self._sampling.end()

    def snapshot(self, checkpoint: int) -> None:
        self._write_back()

    def close(self) -> None:
        if hasattr(self, "part"):
            self.part.close()

    def prepare_loop(self, variant: Variant, *, timed: bool = False, keyed: bool = False) -> None:
        """Write the loop for batches with or without times and keys before the first comes."""
        self._make_chain(variant, timed=timed, keyed=keyed)

    def texts(self) -> list[str]:
        """The code of the loops made so far, for people."""
        return [loop.text for chain in self._chains.values() for _, loop in chain.loops]

    def _write_back(self) -> None:
        if self.part.running is not None:
            self.part.running.flush()

    def _make_chain(self, variant: Variant, *, timed: bool, keyed: bool) -> Segments:
        parts = [operator.part for operator in self._group[self._at :]]
        for part in parts:
            if part.record is not None:
                part.record.begun = True
        if self._sampling is None and len(parts) > 1:
            self._sampling = Sampling([part.context for part in parts])
        self._running = [part.running for part in parts if part.running is not None]
        last = parts[-1].context
        shape = Shape(variant, timed, keyed)
        chain = make_segments(parts, shape, self._leaving(last), self._stepped, self._measured)
        self._chains[variant, timed, keyed] = chain
        return chain

    def _leaving(self, last: OperatorContext) -> Leaving:
        def send(values: list[Any], times: list[int] | None, keys: list[Any] | None) -> None:
            last.emit(Batch(values, times, keys))

        if self._next_key is not None or last.spec.kind == "map_batch":
            return Leaving(send, last.batch_size, self._next_key)
        found = last.partitioner()
        return Leaving(
            send,
            last.batch_size,
            partitioner=found,
            sent=lambda count: last.measured(records_out=count),
        )

    def _stepped(self, uid: str, phase: str, value: Any) -> Any:
        return self.hook(uid, phase, value)

    def _measured(self, first: int, found: Sequence[tuple[int, int]]) -> None:
        if self._sampling is not None:
            self._sampling.add(first, found)
        if self.shares is not None:
            self.shares(first, found)

    def _blame(self, exc: Exception, chain: Segments) -> NoReturn:
        """Find the operator and the record in the frame of the loop."""
        loops = {loop.run.__code__: (first, loop) for first, loop in chain.loops}
        traceback, found = exc.__traceback__, None
        while traceback is not None:
            if traceback.tb_frame.f_code in loops:
                found = traceback
            traceback = traceback.tb_next
        if found is not None:
            first, loop = loops[found.tb_frame.f_code]
            place = loop.places.get(found.tb_lineno)
            if place is not None:
                spec = self._group[self._at + first + place.operator].spec
                record = found.tb_frame.f_locals.get(place.record, NO_RECORD)
                raise OperatorFailure(spec.uid, exc, record) from exc
        raise exc  # it comes from behind the loop


def _unchanged(uid: str, phase: str, value: Any) -> Any:
    return value
