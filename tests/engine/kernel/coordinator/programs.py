"""Jobs whose output tells whether every record counted exactly once."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from tests.engine.kernel.backends.jobs import Numbers, RunningSum, modulo, operator, plan
from weft_engine.kernel.connectors import Sink, SinkWriter
from weft_engine.kernel.functions import FunctionContext, ProcessFunction
from weft_engine.kernel.physical import PhysicalPlan
from weft_engine.kernel.runtime.job_spec import JobSpec
from weft_engine.kernel.settings import Restart, Settings


class Trip(Exception):  # noqa: N818 - what goes off, not what is wrong
    """Raised where a test wants a failure."""


class Mine:
    """How often records may pass before it goes off; shared by all subtasks and attempts."""

    def __init__(self, *at: int) -> None:
        self.at = set(at)
        self.passed = 0
        self.lock = threading.Lock()

    def __deepcopy__(self, memo: Any) -> "Mine":
        return self

    def tread(self) -> None:
        with self.lock:
            self.passed += 1
            if self.passed in self.at:
                raise Trip(f"record {self.passed}")


class Pass(ProcessFunction[Any, Any]):
    """Lets records through until the mine goes off."""

    def __init__(self, mine: Mine) -> None:
        self.mine = mine

    def process(self, value: Any, context: FunctionContext) -> Any:
        self.mine.tread()
        return (value,)


class Ledger(Sink[Any]):
    """A transactional sink in memory; committing the same twice is the same as once."""

    delivery = "transactional"

    def __init__(self) -> None:
        self.prepared: dict[str, list[Any]] = {}
        self.committed: dict[str, list[Any]] = {}
        self.commits: list[list[str]] = []
        self.recovered = 0
        self.lock = threading.Lock()
        self.fail_commits = 0

    def __deepcopy__(self, memo: Any) -> "Ledger":
        return self

    def writer(self, subtask: int, parallelism: int, attempt: str) -> SinkWriter[Any]:
        return _LedgerWriter(self, f"{attempt}/{subtask}")

    def commit(self, committables: Sequence[Any]) -> None:
        if self.fail_commits:
            self.fail_commits -= 1
            raise OSError("the ledger is closed")
        with self.lock:
            self.commits.append(list(committables))
            for name in committables:
                if name not in self.committed:
                    self.committed[name] = self.prepared[name]

    def recover(self, committables: Sequence[Any]) -> None:
        with self.lock:
            self.recovered += 1
            for name in set(self.prepared) - set(self.committed):
                del self.prepared[name]

    @property
    def records(self) -> list[Any]:
        return [record for records in self.committed.values() for record in records]


class _LedgerWriter:
    def __init__(self, ledger: Ledger, name: str) -> None:
        self._ledger = ledger
        self._name = name
        self._values: list[Any] = []
        self._epoch = 0

    def write(self, values: Sequence[Any], /) -> None:
        self._values += values

    def prepare(self, checkpoint: int) -> Any:
        if not self._values:
            return None
        self._epoch += 1
        name = f"{self._name}/{self._epoch}"
        values, self._values = self._values, []
        with self._ledger.lock:
            self._ledger.prepared[name] = values
        return name

    def close(self) -> None:
        pass


def pipeline(
    count: int | None,
    ledger: Ledger,
    mine: Mine | None = None,
    *,
    parallelism: int = 2,
    splits: int = 4,
    function: Callable[[], ProcessFunction[Any, Any]] | None = None,
) -> PhysicalPlan:
    """Numbers, their running sums by last digit, written to a ledger and collected."""
    guard = function() if function is not None else Pass(mine or Mine())
    made = plan(
        (operator("source", "numbers", source=Numbers(count, splits)), parallelism, "forward", 0),
        (operator("process_function", "pass", fn=guard), parallelism, "forward", None),
        (operator("keyed_process", "sums", modulo, fn=RunningSum()), parallelism, "hash", modulo),
        (operator("sink", "ledger", sink=ledger), parallelism, "forward", None),
        (operator("collect_results", "results"), 1, "gather", None),
    )
    return _branch(made)


def _branch(made: PhysicalPlan) -> PhysicalPlan:
    """Both ends are fed by the sums."""
    edges = [replace(e, source=2) if e.target == 4 else e for e in made.edges]
    return replace(made, edges=tuple(edges))


def totals(count: int) -> list[tuple[int, int]]:
    """What is to come out, in whatever order."""
    sums = dict.fromkeys(range(10), 0)
    found = []
    for number in range(count):
        sums[number % 10] += number
        found.append((number % 10, sums[number % 10]))
    return sorted(found)


def job(made: PhysicalPlan, storage: Any = None, **settings: Any) -> JobSpec:
    settings.setdefault("restart", Restart("fixed", 20, 0.001))
    return JobSpec("job-1", made, Settings(**settings), storage)
