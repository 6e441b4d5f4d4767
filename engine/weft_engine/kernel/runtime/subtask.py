"""One subtask: operators of a stage, driven by what comes in."""

from collections import deque
from collections.abc import Callable, Mapping, Sequence

from weft_engine.kernel.batch import MAX_TIME, Barrier, Batch, End, Event, Idle, Unkeyed, Watermark
from weft_engine.kernel.metrics.counters import SubtaskCounters
from weft_engine.kernel.physical import Stage
from weft_engine.kernel.runtime.alignment import Alignment
from weft_engine.kernel.runtime.checkpointing import Checkpointing
from weft_engine.kernel.runtime.context import Place
from weft_engine.kernel.runtime.driver import Driver
from weft_engine.kernel.runtime.failure_report import Broken, is_interrupt, unwrapped
from weft_engine.kernel.runtime.gate import Gate
from weft_engine.kernel.runtime.host import Host
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.runtime.lingering import Lingering
from weft_engine.kernel.runtime.messages import (
    Finished,
    Measured,
    Report,
    Restore,
    Running,
    SubtaskId,
    SubtaskSnapshot,
)
from weft_engine.kernel.runtime.meter import Meter
from weft_engine.kernel.runtime.operator import SourceOperator, Stopped, StreamOperator, Unwanted
from weft_engine.kernel.runtime.pacing import Pace
from weft_engine.kernel.runtime.router import Router
from weft_engine.kernel.runtime.snapshots import SnapshotReporter
from weft_engine.kernel.runtime.timer_slack import precise_timers
from weft_engine.kernel.runtime.watermarks import Watermarks
from weft_engine.kernel.state.api import Clock


class Subtask:
    """Runs a stage's operators over one part of the data.

    `run` does everything in the calling thread; `begin`, `step` and `end` do it bit by bit. All
    other methods may be called from any thread.
    """

    def __init__(
        self,
        spec: JobSpec,
        stage: Stage,
        index: int,
        attempt: int,
        operators: Sequence[StreamOperator],
        inputs: Gate | None,
        outputs: Mapping[tuple[int, int], Sequence[Router]],
        restore: Restore,
        report: Callable[[Report], None],
        clock: Clock,
        host: Host,
    ) -> None:
        self.id = SubtaskId(stage.id, index, attempt)
        self.stage = stage
        self.gate = inputs or Gate((), spec.settings)
        self.counters = SubtaskCounters([spec.uid for spec in stage.operators], clock())
        self.place = Place(stage, index, attempt, host, self.gate, clock, restore, self.counters)
        self.driver = Driver(self.place, operators, outputs)
        self.done = False
        """Whether it has finished, failed or been stopped."""
        self._report = report
        self._clock = clock
        self._seconds = host.seconds
        self._source = bool(operators) and isinstance(operators[0], SourceOperator)
        channels = sorted(set(range(len(self.gate.ports))) - self.gate.feedback)
        exactly = spec.settings.checkpoint_mode == "exactly_once"
        self._watermarks = Watermarks(channels)
        self._open_ports = [self.gate.ports[n] for n in channels]
        self._snapshots = SnapshotReporter(host, self.id, report)
        alignment = Alignment(channels, exactly_once=exactly)
        self._checkpoints = Checkpointing(self.driver, self.gate, alignment, self._snapshots)
        self._mailbox: deque[Barrier | int] = deque()
        self._paused = False
        self._ending = False
        self._pace = Pace(spec.settings.batch_size)
        self._lingering = Lingering(self.driver.routers if spec.settings.linger_ms else ())
        self._meter = Meter(self.driver, host.seconds)
        self._meter.arm()

    # For other threads

    def trigger(self, barrier: Barrier) -> None:
        """Begin a checkpoint here, if this is where it begins: no input can bring its barrier."""
        self._mailbox.append(barrier)
        self.gate.wake()

    def committed(self, checkpoint: int) -> None:
        """A checkpoint is durable."""
        self._mailbox.append(checkpoint)
        self.gate.wake()

    def pause(self) -> None:
        """Have a source stand still."""
        self._paused = True

    def resume(self) -> None:
        """Let it go on."""
        self._paused = False
        self.gate.wake()

    def cancel(self) -> None:
        """Let it end as soon as it waits or has done with the batch at hand."""
        self.gate.cancel()
        for router in self.driver.routers:
            router.cancel()

    # Life

    def run(self) -> None:
        """Do everything there is to do; what fails is reported."""
        with precise_timers():
            if self.begin():
                while not self.done:
                    self.guarded(self._turn_or_wait)

    def begin(self) -> bool:
        """Open the operators; whether there is anything to do after that."""
        return self.guarded(self._begin)

    def step(self, limit: int | None = None) -> bool:
        """Do the next thing without waiting, reading so many records at most.

        Returns:
            Whether there was anything to do.
        """
        return self.guarded(lambda: self._turn(limit))

    def guarded(self, work: Callable[[], bool]) -> bool:
        """Do something; end, and say why, if it fails."""
        try:
            return work()
        except Stopped:
            self._close()
        except Unwanted:
            return True
        except BaseException as exc:  # whatever it was, somebody must hear of it
            if is_interrupt(exc):
                self._close()
                raise
            self._fail(exc)
        return False

    def stop(self) -> None:
        """Close everything; only where nothing runs."""
        if not self.done:
            self._close()

    def _begin(self) -> bool:
        if self.place.restore.finished:
            self._report(Running(self.id))
            self.gate.close()
            self._say_goodbye()
            self._report(Finished(self.id, SubtaskSnapshot()))
            self.done = True
            return False
        self.driver.open()
        self.place.host.watch.add(self._look)
        self._report(Running(self.id))
        if not self._source:
            self._end_unconnected()
        return True

    def _end_unconnected(self) -> None:
        """Inputs that nothing leads to have ended from the start (behind `gather`, all but one)."""
        for port in sorted(set(range(self.stage.operators[0].inputs)) - set(self.gate.ports)):
            self.driver.ended(port)
        self._ending = not self._open_ports

    def _close(self) -> Broken | None:
        self.done = True
        self.place.host.watch.remove(self._look)
        return self.driver.close()

    def _fail(self, exc: BaseException) -> None:
        self.place.gate.cancel()
        failed = self.place.host.failed(exc, self.stage, self.id)
        self.driver.warn_of(self._close(), unwrapped(exc)[0])
        self._report(failed)

    # Turns

    def _turn_or_wait(self) -> bool:
        if self._source or self._ending:
            if not self._turn(None) and not self.done:
                self._wait()
        elif self._attend() or self.gate.pending:
            if not self._ending:
                self._take(None)
        else:
            self._wait()
        return True

    def _turn(self, limit: int | None) -> bool:
        """Do what there is to do without waiting; whether there was anything."""
        if self.gate.cancelled:  # a source that leads to no channel hears of it only here
            raise Stopped
        happened = self._attend()
        if self._ending:
            return self._go_on_ending(limit) or happened
        if self._source:
            return self._pull(limit) or happened
        return self._take(limit) or happened

    def _attend(self) -> bool:
        """Everything but records."""
        happened = not self._ending and self.driver.demand.gone
        if happened:
            self._end_early()
        if self._mailbox:
            happened = True
            self._read_mailbox()
        if self.place.woken:
            self.place.woken = False
            self._pace.wake()
            self.driver.poll()
            happened = True
        due = self.driver.due()
        if due is not None and due <= (now := self._clock()):
            self.driver.tick(now)
            happened = True
        if self._lingering:
            happened = self._lingering.flush(self._seconds()) or happened
        if self._seconds() >= self._meter.due:
            self.measure()
        return happened

    def _wait(self) -> None:
        """Wait until there may be something to do; take it if it is an event."""
        due = self.next_due()
        until = self._meter.due if due is None else min(self._meter.due, due)
        timeout = until - self._seconds()
        found = self.gate.next(timeout) if timeout > 0 else None
        if found is not None:
            self._handle(*found)

    def next_due(self) -> float | None:
        """When it wants to be called although nothing comes in, by the clock for deadlines."""
        ends = []
        if self._pace.idle_until is not None and not self._paused and not self._ending:
            ends.append(self._pace.idle_until)
        ends += self._lingering.dues
        due = self.driver.due()
        if due is not None:
            ends.append(self._seconds() + (due - self._clock()) / 1000)
        return min(ends, default=None)

    @property
    def ready(self) -> bool:
        """Whether `step` would find something to do."""
        if self.done:
            return False
        if self._mailbox or self.place.woken or self.gate.ready:
            return True
        due = self.next_due()
        if due is not None and due <= self._seconds():
            return True
        if self._ending:
            return self.driver.can_finish_next
        if self.driver.demand.gone:
            return True
        return self._source and not self._paused and self._pace.idle_until is None

    @property
    def room(self) -> bool:
        """Whether all channels out have room."""
        return all(router.room for router in self.driver.routers if not router.edge.feedback)

    # Records

    def _pull(self, limit: int | None) -> bool:
        if self._paused or self._pace.resting(self._seconds()):
            return False
        pull, taken, records = self.driver.pull(limit or self._pace.limit)
        self._pace.pulled(pull, taken, records, self._seconds())
        self._ending = pull.state == "end"
        return True

    def _take(self, limit: int | None) -> bool:
        if limit is not None:
            self.gate.limit = limit
        found = self.gate.next(0)
        if found is None:
            return False
        self._handle(*found)
        return True

    def _handle(self, channel: int, event: Event) -> None:
        if channel in self.gate.feedback:
            self.driver.fed_back(event)
        elif type(event) is Batch:
            self._watermarks.active(channel)
            taken = self.driver.process(self.gate.ports[channel], event)
            self.gate.adapt(taken, len(event.values))
        elif type(event) is Watermark:
            self._advance(self._watermarks.watermark(channel, event.time))
        elif type(event) is Barrier:
            self._checkpoints.barrier(channel, event)
        elif type(event) is Unkeyed:
            self.driver.unkeyed(event)
        elif type(event) is Idle:
            self._advance(self._watermarks.went_idle(channel))
            if self._watermarks.idle:
                self.driver.went_idle(0)
        else:
            self._end_channel(channel)

    def _advance(self, time: int | None) -> None:
        if time is not None:
            self.counters.watermark = time
            self.driver.advance(time)

    def _end_channel(self, channel: int) -> None:
        self._checkpoints.ended(channel)
        self._advance(self._watermarks.end(channel))
        if self._watermarks.idle:
            self.driver.went_idle(0)
        port = self.gate.ports[channel]
        self._open_ports.remove(port)
        if port not in self._open_ports:
            self.driver.ended(port)
        if not self._open_ports:
            self._begin_to_end()

    def _begin_to_end(self) -> None:
        if not self._ending:
            self._ending = True
            self._checkpoints.all_ended()

    def _end_early(self) -> None:
        """Nobody wants what would still come."""
        self.gate.close()
        self._begin_to_end()

    # Checkpoints

    def _read_mailbox(self) -> None:
        while self._mailbox:
            item = self._mailbox.popleft()
            if isinstance(item, Barrier):
                self._checkpoints.asked(item, begins_here=self._source or self._ending)
            else:
                self.driver.committed(item)

    # The end

    def _go_on_ending(self, limit: int | None) -> bool:
        """Finish one operator after the other; meanwhile only feedback can come in."""
        if self.gate.feedback and self._take(limit):
            return True
        if not self.driver.finish_next():
            return False
        if self.driver.finished == len(self.driver.operators):
            self._finish()
        return True

    def _finish(self) -> None:
        taken = self._checkpoints.last(self.place.restore.checkpoint)
        self._say_goodbye()
        snapshot = self._snapshots.write_last(taken, self.driver.contexts[0].check)
        self.measure()
        failure = self._close()
        if failure is not None:
            raise failure
        self._report(Finished(self.id, snapshot))

    def _say_goodbye(self) -> None:
        self.driver.control(Watermark(MAX_TIME))
        self.driver.control(End())

    # Counters

    def measure(self) -> None:
        """Report the counters."""
        self._report(Measured((self._meter.sample(),), self.driver.tracer.take()))

    def _look(self) -> None:
        """From another thread: report the counters if this one cannot."""
        sample = self._meter.overdue()
        if sample is not None and not self.done:
            self._report(Measured((sample,)))
