"""Job A in Bytewax 0.21.1; run by the Python of the environment that has it, not by ours.

    python bytewax_job_a.py COUNT BATCH

Prints the seconds of the run and how many records came out.
"""

import sys
import time
from typing import Any

import bytewax.operators as op
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.outputs import DynamicSink, StatelessSinkPartition
from bytewax.testing import run_main

COUNT, BATCH = int(sys.argv[1]), int(sys.argv[2])
KEYS = 100
counts: list[int] = []


class Numbers(StatefulSourcePartition):
    """Lists of numbers."""

    def __init__(self) -> None:
        self._at = 0

    def next_batch(self) -> list[int]:
        if self._at >= COUNT:
            raise StopIteration
        start, self._at = self._at, min(self._at + BATCH, COUNT)
        return list(range(start, self._at))

    def snapshot(self) -> int:
        return self._at


class Source(FixedPartitionedSource):
    """One part."""

    def list_parts(self) -> list[str]:
        return ["all"]

    def build_part(self, step_id: str, for_part: str, resume_state: int | None) -> Numbers:
        return Numbers()


class Counter(StatelessSinkPartition):
    """Counts."""

    def write_batch(self, items: list[Any]) -> None:
        counts.append(len(items))


class Sink(DynamicSink):
    """One counter a worker."""

    def build(self, step_id: str, worker_index: int, worker_count: int) -> Counter:
        return Counter()


def add(held: int | None, value: int) -> tuple[int, int]:
    """The sum so far, twice: to keep and to emit."""
    total = value if held is None else held + value
    return total, total


flow = Dataflow("job_a")
numbers = op.input("numbers", flow, Source())
more = op.map("add", numbers, lambda x: x + 1)
even = op.filter("even", more, lambda x: x % 2 == 0)
keyed = op.key_on("key", even, lambda x: str(x % KEYS))
op.output("count", op.stateful_map("sum", keyed, add), Sink())
began = time.perf_counter()
run_main(flow)
print(time.perf_counter() - began, sum(counts))
