"""The local backend: one thread drives all chains, batch by batch, depth first.

A batch is led through everything behind it before the next is read, so what is in memory is one
batch a level, plus what blocking operators hold by their nature. Sources take turns. A source whose
records nobody may look at yet (the left side of a join whose right side is still being read) waits.
Operators that wait for something outside have a bounded number of calls under way, while the thread
goes on with other chains.
"""

import logging
import threading
from collections import deque
from collections.abc import Iterator
from typing import Final, Literal

from weft_engine.kernel.backends.base import Counters, JobCancelledError, Observer, OperatorError
from weft_engine.kernel.backends.build import make_tasks
from weft_engine.kernel.backends.demand import Demand
from weft_engine.kernel.backends.task import Reader, Task, guarded, next_of
from weft_engine.kernel.operators.base import Batch, Context, Emission, Linear, Stopped, describe
from weft_engine.kernel.plan import Plan

log = logging.getLogger(__name__)

BATCH_SIZE: Final = 1024
_POLL_S: Final = 0.05
"""How soon a cancellation is noticed while everything waits."""

Work = (
    tuple[Literal["batch"], Task, int, Batch]
    | tuple[Literal["end"], Task, int, bool]
    | tuple[Literal["more"], Task, int, Iterator[tuple[int, Batch]]]
    | tuple[Literal["begin"], Task, int, None]
    | tuple[Literal["finish"], Task, int, None]
    | tuple[Literal["conclude"], Task, int, None]
)


class LocalJob:
    """One plan being run once."""

    def __init__(
        self,
        plan: Plan,
        *,
        batch_size: int = BATCH_SIZE,
        cancel: threading.Event | None = None,
        observer: Observer | None = None,
    ) -> None:
        self._cancel = cancel or threading.Event()
        self._observer = observer or Observer()
        self._wake = threading.Event()
        self._stack: list[Work] = []
        self._sources: deque[Task] = deque()
        self._in_flight: list[Task] = []
        self._opened: list[Task] = []
        self._tasks = make_tasks(
            plan,
            Context(self._pause, self._wake.set, batch_size=max(batch_size, 1)),
            self._observer,
        )
        self._home = {link.vertex.id: task for task in self._tasks for link in task.links}
        self._demand = Demand(self._tasks)

    @property
    def counters(self) -> dict[int, Counters]:
        """What went through every operator so far, by its id."""
        return {link.vertex.id: link.counters for task in self._tasks for link in task.links}

    def run(self) -> None:
        """Run to the end.

        Raises:
            OperatorError: when an operator failed.
            JobCancelledError: when the job was cancelled.
        """
        try:
            for task in reversed(self._tasks):
                if task.inputs == 0:
                    self._stack.append(("begin", task, 0, None))
            while self._turn():
                self._observer.tick()
        except Stopped:
            self._abandon()
            raise JobCancelledError from None
        except BaseException:
            self._abandon()
            raise

    # Taking turns

    def _turn(self) -> bool:
        """Do the next thing, or live with its failure; False when nothing is left to do."""
        if self._cancel.is_set():
            raise Stopped
        try:
            return self._next()
        except OperatorError as error:
            if error.vertex.policy.on_error == "fail":
                raise
            self._give_up(self._home[error.vertex.id], error)
            return True

    def _next(self) -> bool:
        if self._stack:
            self._step(self._stack.pop())
            return True
        self._wake.clear()
        if self._poll(self._in_flight):
            return True
        source, wait = self._next_source()
        if source is not None:
            self._pull(source)
            return True
        if wait is None and not self._in_flight:
            return False
        self._wake.wait(_POLL_S if wait is None else min(wait, _POLL_S))
        return True

    def _next_source(self) -> tuple[Task | None, float | None]:
        """The source whose turn it is; else how long until one may be asked again."""
        wait: float | None = None
        spare: Task | None = None
        for _ in range(len(self._sources)):
            task = self._sources[0]
            self._sources.rotate(-1)
            if self._demand.congested(task, self._in_flight):
                continue
            pause = task.pause()
            if pause > 0:
                wait = pause if wait is None else min(wait, pause)
            elif self._demand.wanted(task):
                return task, None
            else:
                spare = spare or task
        if wait is None and not self._in_flight:
            return spare, None
        return None, wait

    def _pull(self, task: Task) -> None:
        source, link = task.pulled, task.links[0]
        if source is None:
            return
        emission = guarded(link, source.pull)
        if emission is None:
            self._sources.remove(task)
            self._stack.append(("finish", task, 0, None))
        self._emit(task, emission or ())

    def _poll(self, tasks: list[Task]) -> bool:
        """Take what calls have brought; whether there was anything."""
        found = False
        for task in list(tasks):
            operator = task.waiting
            if operator is None:
                continue
            emission = guarded(task.links[0], operator.poll)
            if task.finishing and operator.idle:
                self._in_flight.remove(task)
                self._stack.append(("finish", task, 0, None))
                found = True
            if emission or task.links[0].context.failures:
                self._emit(task, emission)
                found = True
            if found:
                break
        return found

    # One step

    def _step(self, work: Work) -> None:
        if work[0] == "batch":
            self._accept(work[1], work[2], work[3])
        elif work[0] == "more":
            self._advance(work[1], work[3])
        elif work[0] == "end":
            self._end_input(work[1], work[2], absent=work[3])
        elif work[0] == "finish":
            self._finish(work[1])
        elif work[0] == "begin":
            self._inputs_done(work[1])
        else:
            self._conclude(work[1])

    def _accept(self, task: Task, port: int, batch: Batch) -> None:
        if task.done:
            return
        if not task.active(port):
            task.held.append((port, batch, False))
            return
        self._open(task)
        if task.waiting is not None and task.waiting.full:
            self._stack.append(("batch", task, port, batch))
            self._make_room(task)
            return
        if task.is_chain():
            batch, exhausted = task.run_chain(batch)
            emission: Emission = ((0, batch),) if batch else ()
        else:
            link = task.links[0]
            link.counters.batches += 1
            link.counters.records_in += len(batch)
            emission = guarded(link, link.operator.process, port, batch)
            exhausted = link.operator.exhausted
        if exhausted:
            task.exhausted = True
            self._stack.append(("finish", task, 0, None))
        self._emit(task, emission)

    def _make_room(self, task: Task) -> None:
        """Take results of the calls that are in the way, and of nothing before them.

        What lies on the stack comes from operators before this one; taking results of those now
        would bring their records out of order.
        """
        self._wake.clear()
        behind = self._demand.behind(task)
        if not self._poll([other for other in self._in_flight if other.id in behind]):
            self._wake.wait(_POLL_S)

    def _advance(self, task: Task, emission: Iterator[tuple[int, Batch]]) -> None:
        if task.done:
            return
        out = next_of(task.links[0], emission)
        if out is None:
            self._send_failures(task)
            return
        self._stack.append(("more", task, 0, emission))
        self._emit(task, (out,))

    def _emit(self, task: Task, emission: Emission) -> None:
        """Send batches on, the first of them first."""
        if not isinstance(emission, tuple | list):
            self._stack.append(("more", task, 0, iter(emission)))
            return
        if not task.is_chain():
            task.links[0].counters.records_out += sum(len(batch) for _, batch in emission)
        for output, batch in reversed(emission):
            self._send(task.readers[output], batch)
        self._send_failures(task)

    def _send(self, readers: list[Reader], batch: Batch) -> None:
        for task, port in reversed(readers):
            self._stack.append(("batch", task, port, batch))

    def _send_failures(self, task: Task) -> None:
        for link in task.links:
            if link.context.failures:
                failures = list(link.context.failures)
                link.context.failures.clear()
                self._send(link.error_readers, failures)

    # Ends

    def _end_input(self, task: Task, port: int, *, absent: bool) -> None:
        if task.done:
            return
        if not task.active(port):
            task.held.append((port, None, absent))
            return
        task.ended[port] = absent
        self._demand.changed()
        if absent and task.absent():
            self._leave_out(task)
            return
        if not absent:
            self._open(task)
        emission = guarded(task.links[0], task.head.end, port, absent)
        replay = self._replay(task) if task.advance() else []
        if len(task.ended) == task.inputs:
            self._inputs_done(task)
        self._stack.extend(reversed(replay))
        self._emit(task, emission)

    def _replay(self, task: Task) -> list[Work]:
        """What came before its turn, now that its turn has come."""
        works: list[Work] = []
        rest = [held for held in task.held if not task.active(held[0])]
        for port, batch, absent in task.held:
            if task.active(port):
                works.append(
                    ("end", task, port, absent) if batch is None else ("batch", task, port, batch)
                )
        task.held.clear()
        task.held.extend(rest)
        return works

    def _inputs_done(self, task: Task) -> None:
        task.finishing = True
        if task.inputs and task.absent():
            self._leave_out(task)
            return
        self._open(task)
        if task.pulled is not None:
            self._sources.append(task)
        elif task.waiting is not None:
            guarded(task.links[0], task.waiting.drain)
        else:
            self._stack.append(("finish", task, 0, None))

    def _finish(self, task: Task) -> None:
        """Let it say its last."""
        if task.done:
            return
        self._stack.append(("conclude", task, 0, None))
        if not task.is_chain() and not task.stopped:
            self._emit(task, guarded(task.links[0], task.head.finish))

    def _conclude(self, task: Task) -> None:
        """It is done: close it and end what it gives."""
        if task.done:
            return
        task.done = True
        task.close()
        self._end_outputs(task, absent=False)
        if task.exhausted:
            self._stop_before(task)

    def _stop_before(self, task: Task) -> None:
        """End everything before that only this one was waiting for."""
        for before in task.producers:
            if before.done or before.keep:
                continue
            if all(reader.done for reader, _ in before.all_readers):
                before.exhausted = before.stopped = True
                self._forget(before)
                self._stack.append(("conclude", before, 0, None))

    def _leave_out(self, task: Task) -> None:
        """It does not take part, and neither does what depends on it."""
        task.done = True
        self._forget(task)
        task.close()
        self._end_outputs(task, absent=True)

    def _give_up(self, task: Task, error: OperatorError) -> None:
        """End a task that cannot go on, where its policy says to live with that."""
        link = next(link for link in task.links if link.vertex is error.vertex)
        cause = error.cause if isinstance(error.cause, Exception) else error
        link.context.report(cause, error.record, error.attempt, None)
        policy, emitted = link.vertex.policy, link.counters.records_out > 0
        task.done = True
        self._forget(task)
        try:
            task.close()
        except OperatorError:
            log.exception("an operator that failed also failed to close")
        self._end_outputs(task, absent=policy.on_error != "continue" and not emitted, routed=True)
        if policy.on_error == "route":
            failure = describe(cause, error.record, link.vertex.owner, error.attempt)
            self._send(link.error_readers, [failure])

    def _forget(self, task: Task) -> None:
        task.held.clear()
        if task in self._sources:
            self._sources.remove(task)
        if task in self._in_flight:
            self._in_flight.remove(task)
        if task.waiting is not None and task.opened:
            task.waiting.abort()

    def _end_outputs(self, task: Task, *, absent: bool, routed: bool = False) -> None:
        self._demand.changed()
        for link in task.links:
            if isinstance(link.operator, Linear):
                guarded(link, lambda operator=link.operator: operator.ended(absent=absent))
        works: list[Work] = []
        for output, readers in enumerate(task.readers):
            gone = absent or task.links[-1].operator.missing(output)
            works += [("end", reader, port, gone) for reader, port in readers]
        for link in task.links:
            gone = not routed and (absent or link.operator.missing(link.vertex.outputs))
            works += [("end", reader, port, gone) for reader, port in link.error_readers]
        self._stack.extend(reversed(works))
        for link in task.links:
            self._observer.ended(link.vertex, link.counters, absent=absent)

    def _open(self, task: Task) -> None:
        if task.opened:
            return
        self._opened.append(task)
        task.open()
        if task.waiting is not None:
            self._in_flight.append(task)
        for link in task.links:
            self._observer.started(link.vertex)

    def _abandon(self) -> None:
        """Close everything, whatever happens."""
        for task in reversed(self._opened):
            try:
                if task.waiting is not None and not task.done:
                    task.waiting.abort()
                task.close()
            except Exception:  # the first failure is the one to report
                log.exception("an operator failed to close")

    def _pause(self, seconds: float) -> None:
        if self._cancel.wait(seconds):
            raise Stopped
