"""Drives the operators of one stage in one subtask."""

import copy
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from weft_engine.kernel.batch import MAX_TIME, Barrier, Batch, Event, Unkeyed
from weft_engine.kernel.metrics.counters import BATCHES, BUSY_NS, RECORDS_IN, RECORDS_OUT
from weft_engine.kernel.runtime.context import Place, Send, SubtaskContext
from weft_engine.kernel.runtime.demand import Demand
from weft_engine.kernel.runtime.event_time import EventTime
from weft_engine.kernel.runtime.failure_report import Broken, unwrapped
from weft_engine.kernel.runtime.operator import (
    Later,
    Partitioner,
    Pull,
    SourceOperator,
    Stopped,
    StreamOperator,
    Unwanted,
)
from weft_engine.kernel.runtime.router import Router
from weft_engine.kernel.runtime.snapshots import TakenSnapshot
from weft_engine.kernel.tracing import Tracer

T = TypeVar("T")

clock_ns: Final = time.perf_counter_ns
_MORE: Final = Pull("more")


@dataclass(frozen=True, slots=True)
class OperatorEnded:
    """A piece of state: the operator had finished, but not yet all behind it in its stage.

    It must not emit its last records again. A subtask that had ended as a whole is not started
    again at all (see `Restore.finished`).
    """

    parallelism: int


class Driver:
    """Operators of a stage: opened, led through everything in order, and closed."""

    def __init__(
        self,
        place: Place,
        operators: Sequence[StreamOperator],
        outputs: Mapping[tuple[int, int], Sequence[Router]],
    ) -> None:
        self.place = place
        self.operators = tuple(operators)
        self.outputs = outputs
        self.routers = [router for group in outputs.values() for router in group]
        specs = place.stage.operators
        names = [(spec.uid, spec.name) for spec in specs]
        self.tracer = Tracer(place.stage.id, place.index, place.attempt, names)
        self.finished = 0
        """How many operators have finished, from the first on."""
        self.blocked_ns = 0
        """How long everything stood still because there was no room behind it."""
        self.began_ns = 0
        """When the work at hand began; 0 when there is none."""
        self.blocked_before_ns = 0
        """The value of `blocked_ns` then."""
        self._nested_ns = 0
        self._time = EventTime(self.operators, self._control)
        self._routers_of = [
            [router for (at, _), group in outputs.items() if at == position for router in group]
            for position in range(len(self.operators))
        ]
        for router in self.routers:
            router.on_blocked = self._blocked
        self.demand = Demand(place, self.operators, self._routers_of)
        self.contexts = [
            SubtaskContext(place, self, position, self._sends(position))
            for position in range(len(self.operators))
        ]
        self._opened: list[int] = []
        self._done_before: set[int] = set()
        self._due = self._overriding("due")
        self._poll = self._overriding("poll")

    def _overriding(self, method: str) -> list[int]:
        plain = getattr(StreamOperator, method)
        return [
            position
            for position, operator in enumerate(self.operators)
            if getattr(type(operator), method) is not plain
        ]

    def _sends(self, position: int) -> list[list[Send]]:
        spec = self.place.stage.operators[position]
        sends: list[list[Send]] = []
        for output in range(spec.outputs + 1):
            routers = self.outputs.get((position, output), ())
            group = [_guarded(router.send, position) for router in routers]
            if output == 0 and position + 1 < len(self.operators):
                group.insert(0, self._entry(position + 1))
            if not self.place.host.spec.settings.object_reuse:
                group = [_copying(send) for send in group]
            sends.append(group)
        return sends

    def _entry(self, position: int) -> Send:
        """What takes the batches that the operator before has for this one."""
        operator = self.operators[position]
        row, tracer = self.place.counters.rows[position], self.tracer
        gate = self.place.gate

        def deliver(batch: Batch) -> None:
            if gate.cancelled:
                raise Stopped  # what a function that was slow to come back emits goes nowhere
            row[RECORDS_IN] += len(batch.values)
            row[BATCHES] += 1
            outer, self._nested_ns = self._nested_ns, 0
            start = clock_ns()
            try:
                operator.process(0, batch)
            except Exception as exc:
                raise Broken(position, exc) from exc
            taken = clock_ns() - start
            row[BUSY_NS] += taken - self._nested_ns
            if tracer.on:
                tracer.spent(position, taken - self._nested_ns, len(batch.values))
            self._nested_ns = outer + taken

        return deliver

    def _blocked(self, nanoseconds: int) -> None:
        self.blocked_ns += nanoseconds
        self._nested_ns += nanoseconds
        self.place.counters.blocked_out_ns += nanoseconds

    def _call(self, position: int, method: Callable[..., T], *args: Any) -> T:
        try:
            return method(*args)
        except Exception as exc:
            raise Broken(position, exc) from exc

    # Life

    def open(self) -> None:
        """Open all operators, the last first, and give them back what they held."""
        restore = self.place.restore
        for position in reversed(range(len(self.operators))):
            operator, context = self.operators[position], self.contexts[position]
            self._call(position, context.restore_state)
            self._opened.append(position)
            self._call(position, operator.open, context)
            pieces = restore.pieces.get(context.spec.uid, [])
            own = [piece for piece in pieces if not isinstance(piece, OperatorEnded)]
            if any(
                isinstance(piece, OperatorEnded) and piece.parallelism == context.parallelism
                for piece in pieces
            ):
                self._done_before.add(position)
            self._call(position, operator.restore, own)

    def close(self) -> Broken | None:
        """Close what was opened, whatever happens; the first failure."""
        failure: Broken | None = None
        for position in sorted(self._opened):
            for close in (self.operators[position].close, self.contexts[position].close_state):
                try:
                    close()
                except BaseException as exc:  # noqa: BLE001 - the others are still to be closed
                    failure = failure or Broken(position, exc)
        self._opened = []
        return failure

    def warn_of(self, failure: Broken | None, error: BaseException) -> None:
        """Log that closing has failed too, unless that is what is known already."""
        if failure is not None and unwrapped(failure)[0] is not error:
            log = self.contexts[failure.position].log
            log.warning("closing the operator failed too: %s", failure.cause)

    # Records

    def pull(self, limit: int) -> tuple[Pull, int, int]:
        """Ask the source for records; what came of it, how long it took, and how many came."""
        source, row = self.operators[0], self.place.counters.rows[0]
        assert isinstance(source, SourceOperator)
        before = row[RECORDS_OUT]
        pull, taken = self._timed(source.pull, limit, records=0, otherwise=_MORE)
        return pull, taken, row[RECORDS_OUT] - before

    def process(self, port: int, batch: Batch) -> int:
        """Lead a batch into the first operator; how long it took, in nanoseconds, with waiting."""
        row = self.place.counters.rows[0]
        row[RECORDS_IN] += len(batch.values)
        row[BATCHES] += 1
        operator, records = self.operators[0], len(batch.values)
        return self._timed(operator.process, port, batch, records=records, otherwise=None)[1]

    def unkeyed(self, event: Unkeyed) -> None:
        """Records have no key, and the policy of the first operator lives with that."""
        context = self.contexts[0]
        context.count("errors", len(event.failures))
        if context.spec.policy.on_error == "route":
            context.emit(Batch(event.failures, event.times), context.spec.outputs)

    def unwanted(self, position: int) -> bool:
        """Whether an operator, and all before it, has nobody to emit for any more."""
        return position < self.demand.useless

    def _timed(
        self, method: Callable[..., T], *args: Any, records: int, otherwise: T
    ) -> tuple[T, int]:
        """Call a method of the first operator; also how long it took until all was passed on."""
        traced = self.tracer.every and self.tracer.begin()
        if traced:
            self._share_out(traced=True)
        self._nested_ns = 0
        self.blocked_before_ns = blocked = self.blocked_ns
        self.began_ns = start = clock_ns()
        try:
            result = self._call(0, method, *args)
        except Unwanted:
            result = otherwise
        taken = clock_ns() - start
        self.began_ns = 0
        self.place.counters.rows[0][BUSY_NS] += taken - self._nested_ns
        self.place.counters.worked(taken - (self.blocked_ns - blocked))
        if traced:
            self._share_out(traced=False)
            self.tracer.spent(0, taken - self._nested_ns, records)
            self.tracer.end()
        return result, taken

    def _share_out(self, *, traced: bool) -> None:
        """Have loops say how the time of the batch at hand is shared out, or say it no more."""
        for position, operator in enumerate(self.operators):
            operator.shares = self.tracer.shares(position) if traced else None

    def fed_back(self, event: Event) -> None:
        """Give the first operator what came back to it."""
        self._call(0, self.operators[0].fed_back, event)

    # Time

    def advance(self, time: int) -> None:
        """Event time has moved on before the first operator."""
        self._time.advance(time, 0)

    def passed(self, position: int, time: int) -> None:
        """An operator passes on a watermark of its own accord."""
        if isinstance(self.operators[0], SourceOperator):
            self.place.counters.watermark = time
        self._time.passed(position, time)

    def went_idle(self, position: int) -> None:
        """Nothing is known of time behind an operator for now."""
        self._time.went_idle(position)

    def due(self) -> int | None:
        """When an operator wants to be called next, in processing time."""
        earliest: int | None = None
        for position in self._due:
            due = self.operators[position].due()
            if due is not None and (earliest is None or due < earliest):
                earliest = due
        return earliest

    def tick(self, now: int) -> None:
        """Call the operators whose time has come."""
        for position in self._due:
            operator = self.operators[position]
            due = operator.due()
            if due is not None and due <= now:
                self._call(position, operator.tick, now)

    def poll(self) -> None:
        """Something asynchronous may have happened."""
        for position in self._poll:
            self._call(position, self.operators[position].poll)

    # The end

    def ended(self, port: int) -> None:
        """One input of the first operator has ended."""
        self._call(0, self.operators[0].ended, port)

    @property
    def busy(self) -> bool:
        """Whether an operator waits for something from elsewhere."""
        return any(operator.busy for operator in self.operators)

    @property
    def can_finish_next(self) -> bool:
        """Whether the next operator to finish waits for nothing any more."""
        return self.unwanted(self.finished) or not self.operators[self.finished].busy

    def finish_next(self) -> bool:
        """Finish the next operator, unless it still waits for something; whether it did."""
        if not self.can_finish_next:
            return False
        position = self.finished
        if not self.unwanted(position) and position not in self._done_before:
            self._call(position, self.operators[position].finish)
        self.finished += 1
        if self.unwanted(self.finished):
            return True
        self.passed(position, MAX_TIME)
        if self.finished < len(self.operators):
            self._call(self.finished, self.operators[self.finished].ended, 0)
        return True

    # Checkpoints

    def snapshot(self, barrier: Barrier, number: int | None = None) -> TakenSnapshot:
        """Freeze everything as it is now; sinks are told that number, or the barrier's."""
        taken = TakenSnapshot(barrier.checkpoint, len(self.operators))
        for position, (operator, context) in enumerate(
            zip(self.operators, self.contexts, strict=True)
        ):
            uid, checkpoint = context.spec.uid, barrier.checkpoint
            prepared = self._call(position, operator.prepare, number or checkpoint)
            if prepared is not None:
                taken.committables[uid] = prepared
            pieces = self._call(position, operator.snapshot, checkpoint)
            if isinstance(pieces, Later):
                taken.wait_for(uid, pieces)
            elif pieces is not None:
                taken.pieces[uid] = list(pieces)
            if position < self.finished or position in self._done_before:
                ended = OperatorEnded(context.parallelism)
                taken.pieces[uid] = [*taken.pieces.get(uid, []), ended]
            full = barrier.kind == "savepoint"
            keyed = self._call(position, _frozen, context, checkpoint, full)
            if keyed is not None:
                taken.keyed.append((position, uid, keyed))
        return taken

    def committed(self, checkpoint: int) -> None:
        """A checkpoint is durable."""
        for position, operator in enumerate(self.operators):
            self._call(position, operator.committed, checkpoint)

    # Sending

    def control(self, event: Event) -> None:
        """Send an event over all edges."""
        for router in self.routers:
            router.control(event)

    def _control(self, position: int, event: Event) -> None:
        for router in self._routers_of[position]:
            router.control(event)

    def partitioner(self, position: int, output: int) -> Partitioner | None:
        """The hash edge that an output leads to, if it leads there and nowhere else."""
        routers = self.outputs.get((position, output), ())
        if (output == 0 and position + 1 < len(self.operators)) or len(routers) != 1:
            return None
        router = routers[0]
        edge = router.edge
        plain = edge.exchange == "hash" and edge.key is not None and not edge.lenient
        return router if plain else None


def _frozen(context: SubtaskContext, checkpoint: int, full: bool) -> Any:
    return context.snapshot_state(checkpoint, full=full)


def _guarded(send: Send, position: int) -> Send:
    """An edge whose failures (of its key function) are not taken for those of a record."""

    def guarded(batch: Batch) -> None:
        try:
            send(batch)
        except Exception as exc:
            raise Broken(position, exc) from exc

    return guarded


def _copying(send: Send) -> Send:
    """An edge that hands over copies, so that no two operators share a record."""

    def copying(batch: Batch) -> None:
        send(Batch(copy.deepcopy(batch.values), batch.times, batch.keys))

    return copying
