"""Whatever happens in whatever order, every record is made visible once, and in order."""

import random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.engine.kernel.coordinator.simulation import RECORDS, SPLITS, Book, Simulated, make_plan
from weft_engine.errors import ResourceError
from weft_engine.kernel.checkpoint import crash_points
from weft_engine.kernel.checkpoint.memory import Memory
from weft_engine.kernel.coordinator.coordinator import Coordinator
from weft_engine.kernel.coordinator.start import choose
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.runtime.messages import Lost
from weft_engine.kernel.settings import Restart, Settings

SETTINGS = Settings(
    checkpoint_interval_s=1.0,
    checkpoint_timeout_s=3.0,
    checkpoint_tolerable_failures=3,
    checkpoint_keep=2,
    restart=Restart("fixed", 10_000, 0.5),
)
few = st.integers(1, 3)
any_index = st.integers(0, 5)


class CrashError(BaseException):
    """The process of the coordinator dies."""


class ExactlyOnce(RuleBasedStateMachine):
    @initialize(sources=few, sinks=few)
    def begin(self, sources: int, sinks: int) -> None:
        self.storage = Memory()
        self.storage.before_put = self.put
        self.book = Book()
        self.now = 0.0
        self.failing_puts = 0
        self.crashes = 0
        self.new_process(sources, sinks)

    def put(self, name: str) -> None:
        if self.failing_puts:
            self.failing_puts -= 1
            raise ResourceError("no", code="checkpoint.storage_failed", retryable=True)

    def new_process(self, sources: int, sinks: int) -> None:
        """The one before is dead, and all its subtasks with it."""
        self.backend = Simulated()
        plan = make_plan(sources, sinks, self.book)
        spec = JobSpec("simulated-1", plan, SETTINGS, self.storage)
        start = choose(plan, self.storage, "latest")
        self.coordinator = Coordinator(spec, self.backend, start, self.unasked, lambda: 0)
        self.survive(lambda: self.coordinator.start(self.now), sources, sinks)

    def unasked(self, report: Any) -> None:
        raise AssertionError("reports are delivered by hand")

    def survive(self, what: Any, sources: int = 2, sinks: int = 2) -> None:
        try:
            what()
        except CrashError:
            crash_points.hooks.clear()
            self.crashes += 1
            self.new_process(sources, sinks)

    @property
    def running(self) -> Any:
        current = self.backend.current
        return None if current is None or current.stopped else current

    @rule(index=any_index, choice=any_index, times=few)
    def read(self, index: int, choice: int, times: int) -> None:
        if self.running:
            for _ in range(times):
                self.running.sources[index % len(self.running.sources)].step(choice, "")

    @rule(
        index=any_index,
        choice=any_index,
        times=few,
        decline=st.sampled_from(["", "", "", "", "put off", "fatal"]),
    )
    def write(self, index: int, choice: int, times: int, decline: str) -> None:
        if self.running:
            for _ in range(times):
                self.running.sinks[index % len(self.running.sinks)].step(choice, decline)

    @rule(index=any_index, times=few)
    def deliver(self, index: int, times: int) -> None:
        """Reports of one subtask come in order, those of several in any."""
        for _ in range(times):
            if self.running:
                subtask = self.running.subtasks[index % len(self.running.subtasks)]
                if subtask.reports:
                    report = subtask.reports.popleft()
                    self.survive(lambda report=report: self.coordinator.handle(report, self.now))

    @rule(seed=st.integers(0, 2**32), steps=st.integers(10, 80))
    def muddle_through(self, seed: int, steps: int) -> None:
        """Many small steps in a random order, some of them slow, some declined."""
        self.muddle(random.Random(seed), steps)

    def muddle(self, chance: random.Random, steps: int) -> None:
        slow = chance.choice([0, 1, 5, 7, 7, 7])
        for _ in range(steps):
            what, index, choice = chance.random(), chance.randrange(6), chance.randrange(6)
            if what < 0.16:
                self.read(index, choice, 1)
            elif what < 0.5:
                decline = chance.choice([*[""] * 12, "put off", "fatal"])
                self.write(index, choice, 1, decline)
            elif what < 0.9:
                if index != slow:
                    self.deliver(index, 1)
            else:
                self.time_passes(chance.choice([0.1, 0.2, 0.5, 1.0]))
            self.look()

    def look(self) -> None:
        self.nothing_is_there_twice()
        self.output_is_in_order()
        self.what_is_visible_is_what_the_newest_checkpoint_has_read()

    @rule(rounds=st.integers(1, 4))
    def go_on(self, rounds: int) -> None:
        """Everybody does something."""
        for round_ in range(rounds):
            for index in range(3):
                self.read(index, round_, 1)
                self.write(index, round_, 2, "")
            for index in range(6):
                self.deliver(index, 3)

    @rule(seconds=st.sampled_from([0.5, 1.0, 4.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds
        self.survive(lambda: self.coordinator.tick(self.now))

    @rule()
    def lose_a_worker(self) -> None:
        if self.running:
            lost = Lost("w", "gone", self.coordinator.attempt)
            self.survive(lambda: self.coordinator.handle(lost, self.now))

    @rule(index=any_index)
    def hear_from_an_earlier_attempt(self, index: int) -> None:
        if self.running and self.coordinator.attempt:
            self.coordinator.handle(Lost("w", "late", self.coordinator.attempt - 1), self.now)
            assert self.running

    @rule(sources=few, sinks=few)
    def kill_and_start_with_another_parallelism(self, sources: int, sinks: int) -> None:
        if not self.coordinator.ended:
            self.new_process(sources, sinks)

    @rule(point=st.sampled_from(crash_points.POINTS))
    def crash_at(self, point: str) -> None:
        def crash() -> None:
            raise CrashError

        crash_points.hooks[point] = crash

    @precondition(lambda self: not self.failing_puts)
    @rule(times=few)
    def let_writes_fail(self, times: int) -> None:
        self.failing_puts = times

    @invariant()
    def nothing_is_there_twice(self) -> None:
        if hasattr(self, "book"):
            records = self.book.records
            assert len(records) == len(set(records))

    @invariant()
    def output_is_in_order(self) -> None:
        if hasattr(self, "book"):
            for split in range(SPLITS):
                mine = [n for of, n in self.book.records if of == split]
                assert mine == sorted(mine)

    @invariant()
    def what_is_visible_is_what_the_newest_checkpoint_has_read(self) -> None:
        if not hasattr(self, "book") or self.running is None:
            return
        ids = self.storage.checkpoints()
        read = set()
        if ids:
            state = self.storage.load(ids[0]).operators["source"]
            for pieces in state.pieces:
                for split, at in pieces:
                    read |= {(split, n) for n in range(at)}
        assert set(self.book.records) == read

    def teardown(self) -> None:
        if not hasattr(self, "book"):
            return
        crash_points.hooks.clear()
        self.failing_puts = 0
        for _ in range(500):
            if self.coordinator.ended:
                break
            self.go_on(1)
            self.time_passes(0.5)
        assert self.coordinator.state == "finished", self.coordinator.error
        self.nothing_is_there_twice()
        self.output_is_in_order()
        assert set(self.book.records) == RECORDS
        last = self.storage.load(self.storage.checkpoints()[0])
        assert last.kind == "final"


TestExactlyOnce = ExactlyOnce.TestCase
TestExactlyOnce.settings = settings(max_examples=60, stateful_step_count=20, deadline=None)


@pytest.mark.parametrize("block", range(8))
def test_long_random_runs(block: int) -> None:
    """Deeper than the state machine gets: whole jobs, with some faults in each."""
    committed = crashes = 0
    for seed in range(block * 25, block * 25 + 25):
        chance = random.Random(seed)
        machine = ExactlyOnce()
        machine.begin(chance.randint(1, 3), chance.randint(1, 3))
        for _ in range(chance.randint(2, 15)):
            machine.muddle(chance, chance.randint(20, 120))
            fault = chance.random()
            if fault < 0.15:
                machine.lose_a_worker()
            elif fault < 0.5:
                machine.crash_at(chance.choice(crash_points.POINTS))
            elif fault < 0.6:
                machine.let_writes_fail(1)
            elif fault < 0.65:
                machine.kill_and_start_with_another_parallelism(
                    chance.randint(1, 3), chance.randint(1, 3)
                )
        committed += len(machine.coordinator.stats)
        crashes += machine.crashes
        machine.teardown()
    assert committed > 4, "the runs are too short to tell anything"
    assert crashes > 5
