"""A deployment without threads, time or operators: sources, sinks and what is between them.

Sources read splits of numbered records and deal them to all sinks. Whatever happens next is chosen
from outside; reports wait until they are delivered.
"""

import itertools
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from weft_engine.kernel.batch import Barrier
from weft_engine.kernel.connectors import Sink
from weft_engine.kernel.physical import Edge, OperatorSpec, PhysicalPlan, Stage
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.runtime.messages import (
    Acknowledged,
    Declined,
    Finished,
    Report,
    Restore,
    Running,
    SubtaskId,
    SubtaskSnapshot,
)

SPLITS = 4
LENGTH = 10
Record = tuple[int, int]
RECORDS = {(split, n) for split in range(SPLITS) for n in range(LENGTH)}
END = "end"


_numbers = itertools.count()


class Book(Sink[Any]):
    """What was made visible: entries by their name, in order."""

    delivery = "transactional"

    def __init__(self) -> None:
        self.entries: dict[str, list[Record]] = {}

    def commit(self, committables: Sequence[Any]) -> None:
        for name, records in committables:
            assert self.entries.setdefault(name, records) == records

    @property
    def records(self) -> list[Record]:
        return [record for records in self.entries.values() for record in records]


def make_plan(sources: int, sinks: int, book: Book) -> PhysicalPlan:
    source = OperatorSpec("source", "source", "source")
    sink = OperatorSpec("sink", "sink", "sink", {"sink": book})
    stages = (Stage(0, "source", (source,), sources), Stage(1, "sink", (sink,), sinks))
    return PhysicalPlan("simulated", stages, (Edge(0, 0, 0, 0, 1, 0, "rebalance"),))


class Simulated:
    """The backend; `current` is the last deployment."""

    name = "simulated"
    stepping = True

    def __init__(self) -> None:
        self.current: Attempt | None = None

    def deploy(
        self,
        spec: JobSpec,
        restore: Mapping[tuple[int, int], Restore],
        attempt: int,
        report: Callable[[Report], None],
    ) -> "Attempt":
        assert self.current is None or self.current.stopped, "two attempts at once"
        self.current = Attempt(spec.plan, restore, attempt)
        return self.current

    def close(self) -> None:
        pass


class Attempt:
    """One attempt."""

    def __init__(
        self, plan: PhysicalPlan, restore: Mapping[tuple[int, int], Restore], attempt: int
    ) -> None:
        self.attempt = attempt
        self.number = next(_numbers)
        self.stopped = False
        self.paused = False
        self.sources = [
            SimulatedSource(self, i, plan.stages[0].parallelism, restore[0, i])
            for i in range(plan.stages[0].parallelism)
        ]
        self.sinks = [
            SimulatedSink(self, i, restore[1, i], len(self.sources))
            for i in range(plan.stages[1].parallelism)
        ]
        for subtask in self.subtasks:
            subtask.begin()

    @property
    def subtasks(self) -> list["Subtask"]:
        return [*self.sources, *self.sinks]

    def trigger(self, barrier: Barrier) -> None:
        for subtask in self.subtasks:
            subtask.trigger(barrier)

    def committed(self, checkpoint: int) -> None:
        pass

    def pause(self) -> None:
        self.paused = True

    def resume(self) -> None:
        self.paused = False

    def step(self) -> bool:
        return False

    def stop(self, grace_s: float) -> None:
        self.stopped = True


class Subtask:
    def __init__(self, home: Attempt, stage: int, index: int, restore: Restore) -> None:
        self.home = home
        self.id = SubtaskId(stage, index, home.attempt)
        self.restore = restore
        self.reports: deque[Report] = deque([Running(self.id)])
        self.done = False

    def begin(self) -> None:
        if self.restore.finished:
            self.finish(SubtaskSnapshot())

    def finish(self, snapshot: SubtaskSnapshot) -> None:
        self.done = True
        self.reports.append(Finished(self.id, snapshot))

    def trigger(self, barrier: Barrier) -> None:
        raise NotImplementedError

    def step(self, choice: int, decline: str) -> None:
        raise NotImplementedError


class SimulatedSource(Subtask):
    def __init__(self, home: Attempt, index: int, parallelism: int, restore: Restore) -> None:
        super().__init__(home, 0, index, restore)
        pieces = restore.pieces.get("source", [])
        first = dict.fromkeys(range(index, SPLITS, parallelism), 0)
        self.offsets = dict(pieces) if restore.checkpoint else first
        self.asked: deque[Barrier] = deque()

    def trigger(self, barrier: Barrier) -> None:
        self.asked.append(barrier)

    def send(self, event: Any) -> None:
        for sink in self.home.sinks:
            sink.inputs[self.id.index].append(event)

    def begin(self) -> None:
        super().begin()
        if self.done:
            self.send(END)

    def pieces(self) -> dict[str, list[Any]]:
        return {"source": [list(item) for item in self.offsets.items()]}

    def step(self, choice: int, decline: str) -> None:
        if self.done:
            return
        if self.asked:
            barrier = self.asked.popleft()
            self.reports.append(
                Acknowledged(self.id, barrier.checkpoint, SubtaskSnapshot(self.pieces()))
            )
            self.send(barrier)
            return
        if self.home.paused:
            return
        open_ = [split for split, at in self.offsets.items() if at < LENGTH]
        if not open_:
            self.send(END)
            self.finish(SubtaskSnapshot(self.pieces()))
            return
        split = open_[choice % len(open_)]
        record = (split, self.offsets[split])
        self.offsets[split] += 1
        sinks = self.home.sinks
        sinks[record[0] % len(sinks)].inputs[self.id.index].append(record)


class SimulatedSink(Subtask):
    def __init__(self, home: Attempt, index: int, restore: Restore, inputs: int) -> None:
        super().__init__(home, 1, index, restore)
        self.inputs: list[deque[Any]] = [deque() for _ in range(inputs)]
        self.aligned: dict[int, int] = {}
        self.ended: set[int] = set()
        self.held: list[Record] = []
        self.epoch = 0

    def trigger(self, barrier: Barrier) -> None:
        pass

    def prepare(self) -> dict[str, Any]:
        if not self.held:
            return {}
        self.epoch += 1
        records, self.held = self.held, []
        name = f"{self.home.number}-{self.id.index}-{self.epoch}"
        return {"sink": (name, records)}

    def step(self, choice: int, decline: str) -> None:
        able = [n for n, queue in enumerate(self.inputs) if queue and n not in self.aligned]
        if self.done or not able:
            return
        channel = able[choice % len(able)]
        event = self.inputs[channel].popleft()
        if event == END:
            self.ended.add(channel)
        elif isinstance(event, Barrier):
            self.aligned[channel] = event.checkpoint
        else:
            self.held.append(event)
        self.align(decline)

    def align(self, decline: str) -> None:
        everyone = range(len(self.inputs))
        if self.aligned and all(n in self.aligned or n in self.ended for n in everyone):
            newest = max(self.aligned.values())
            behind = [n for n, checkpoint in self.aligned.items() if checkpoint < newest]
            if behind:
                for channel in behind:
                    del self.aligned[channel]
                return
            self.aligned.clear()
            self.answer(newest, self.prepare(), decline)
        if len(self.ended) == len(self.inputs):
            self.finish(SubtaskSnapshot(committables=self.prepare()))

    def answer(self, checkpoint: int, committables: dict[str, Any], decline: str) -> None:
        if decline:
            fatal = decline == "fatal"
            self.reports.append(
                Declined(self.id, checkpoint, "no", fatal, committables=committables)
            )
        else:
            snapshot = SubtaskSnapshot(committables=committables)
            self.reports.append(Acknowledged(self.id, checkpoint, snapshot))
