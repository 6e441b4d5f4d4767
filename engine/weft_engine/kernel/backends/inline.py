"""All subtasks in the calling thread, in an order that can be had again.

Without a seed, the subtask furthest behind goes on, so that a record is led through everything
before the next one is read. With a seed, subtasks take turns at random and read random numbers of
records, and the same seed gives the same run (as far as nothing from outside is waited for).
Processing time is not real: it stands still while there is anything to do, then jumps to when
something is due.
"""

import math
import random
import threading
from collections.abc import Callable, Mapping
from typing import Final

from weft_engine.kernel.backends.assembly import MakeOperators, assemble, make_operators
from weft_engine.kernel.backends.commanded import Commanded
from weft_engine.kernel.runtime.host import Host
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.runtime.messages import Report, Restore
from weft_engine.kernel.runtime.subtask import Subtask

_LOOK_S: Final = 0.05
_CUTS: Final = (1, 1, 2, 3, 5, 8, 16, 64, 256)


class VirtualClock:
    """Processing time that goes on when told to."""

    def __init__(self, start_ms: int = 0) -> None:
        self._ms = float(start_ms)

    def now(self) -> int:
        """Milliseconds since 1970."""
        return int(self._ms)

    def seconds(self) -> float:
        """The same in seconds."""
        return self._ms / 1000

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self._ms += max(0.0, seconds) * 1000

    def until(self, seconds: float) -> None:
        """Let time pass until then; to the next whole millisecond."""
        whole = float(math.ceil(round(seconds * 1000, 6)))
        if whole / 1000 < seconds:
            whole += 1  # else it would never be that late, and time would stand still
        self._ms = max(self._ms, whole)


class Inline:
    """The backend for tests and debugging."""

    name = "inline"
    stepping = True

    def __init__(self, seed: int | None = None, operators: MakeOperators = make_operators) -> None:
        """Make it; `operators` gives the operators of a stage."""
        self.seed = seed
        self.clock = VirtualClock()
        self._operators = operators

    def deploy(
        self,
        spec: JobSpec,
        restore: Mapping[tuple[int, int], Restore],
        attempt: int,
        report: Callable[[Report], None],
    ) -> "InlineDeployment":
        """Put all subtasks together; nothing happens before `step`."""
        seed = spec.settings.seed if self.seed is None else self.seed
        chooser = None if seed is None else random.Random(f"{seed}-{attempt}")  # noqa: S311
        return InlineDeployment(
            spec, restore, attempt, report, self._operators, self.clock, chooser
        )

    def close(self) -> None:
        """There is nothing to let go of."""


class InlineDeployment(Commanded):
    """One attempt of a job in the calling thread."""

    def __init__(
        self,
        spec: JobSpec,
        restore: Mapping[tuple[int, int], Restore],
        attempt: int,
        report: Callable[[Report], None],
        operators: MakeOperators,
        clock: VirtualClock,
        chooser: random.Random | None,
    ) -> None:
        self._clock = clock
        self._batch_size = max(1, spec.settings.batch_size)
        self._chooser = chooser
        self._woken = threading.Event()
        self._host = Host(
            spec,
            "inline",
            threads=False,
            seconds=clock.seconds,
            sleep=clock.sleep,
            on_wake=self._woken.set,
        )
        self._subtasks = assemble(
            spec,
            restore,
            attempt,
            report,
            clock=clock.now,
            host=self._host,
            blocking=False,
            operators=operators,
        )
        self._closed = list(reversed(self._subtasks))
        """Not opened yet; those that come last first."""

    def step(self) -> bool:
        """Let one subtask do one thing; whether anything happened."""
        if self._closed:
            self._closed.pop(0).begin()
            return True
        self._woken.clear()
        subtask = self._choose()
        if subtask is not None:
            subtask.step(self._limit())
            return True
        return self._let_time_pass()

    def _limit(self) -> int:
        """How many records to read: never by the time it takes, which is not the same twice."""
        if self._chooser is None:
            return self._batch_size
        return min(self._chooser.choice(_CUTS), self._batch_size)

    def _choose(self) -> Subtask | None:
        ready = [subtask for subtask in self._subtasks if subtask.ready]
        able = [subtask for subtask in ready if subtask.room] or ready
        if not able:
            return None
        return able[-1] if self._chooser is None else self._chooser.choice(able)

    def _let_time_pass(self) -> bool:
        """Nothing can be done now: wait for what comes from outside, else move the clock."""
        alive = [subtask for subtask in self._subtasks if not subtask.done]
        if not alive:
            return False
        busy = [subtask for subtask in alive if subtask.driver.busy]
        if busy and self._woken.wait(_LOOK_S):
            return True
        dues = [due for subtask in busy or alive if (due := subtask.next_due()) is not None]
        due = min(dues, default=float("inf"))
        if due == float("inf"):
            return not busy and self._woken.wait(_LOOK_S)
        self._clock.until(due)
        return True

    def stop(self, grace_s: float) -> None:
        """Close everything."""
        for subtask in self._subtasks:
            subtask.cancel()
            subtask.stop()
        self._host.close()
