"""A job with everything in it, which dies where it is told to; run by `chaos`.

    python -m tests.engine.kernel.conformance.chaos_program '<a Run as JSON>'

Exit status 0 means that the job has ended by itself; what it collected is then in `collected.json`.
"""

import asyncio
import json
import os
import random
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from tests.engine.kernel.backends.jobs import Numbers
from weft_engine.kernel import (
    FileSink,
    FunctionContext,
    LocalEnvironment,
    MapFunction,
    ProcessFunction,
    RemoteEnvironment,
)
from weft_engine.kernel.coordinator import Job
from weft_engine.kernel.environment import StreamEnvironment
from weft_engine.kernel.windows import Tumbling

KEYS = 13
WINDOW = 100


@dataclass(frozen=True)
class Run:
    """One start of the program, and how it is to end."""

    folder: str
    backend: str = "processes"
    records: int = 20_000
    parallelism: int = 2
    interval_ms: int = 40
    state: str = "heap"
    batch: int = 128
    at_record: int = 0
    """A worker dies at so manieth record of one of its subtasks; never if 0."""
    at_checkpoint: int = 0
    """Something dies once so many checkpoints have been made."""
    victim: str = "worker"
    """`worker`, or `coordinator`: the process of the program itself."""
    seed: int = 0


class Mine(MapFunction[Any, Any]):
    """Kills its process at a record, once."""

    def __init__(self, folder: Path, at: int, subtask: int) -> None:
        self.folder, self.at, self.subtask = folder, at, subtask
        self.count = 0

    def open(self, context: FunctionContext) -> None:
        self.mine = context.subtask == self.subtask % context.parallelism
        (self.folder / "pids" / str(os.getpid())).touch()

    def process(self, value: Any) -> Any:
        self.count += 1
        if self.mine and self.count == self.at:
            mark = self.folder / f"died-{self.at}-{self.subtask}"
            if not mark.exists():
                mark.touch()
                os.kill(os.getpid(), signal.SIGKILL)
        return value


def key_of(number: int) -> int:
    return number % KEYS


def itself(number: int) -> int:
    return number


def add(held: tuple[int, int], number: int) -> tuple[int, int]:
    return (held[0] + 1, held[1] + number)


def nothing() -> tuple[int, int]:
    return (0, 0)


def told(key: int, held: tuple[int, int]) -> list[int]:
    return [key, *held]


async def soon(number: int) -> int:
    await asyncio.sleep(0.001 if number % 64 == 0 else 0)
    return number


def some(number: int) -> bool:
    return number % 10 == 0


class Sides(ProcessFunction[int, int]):
    """Every record once: to the output or to the side; timers tell how many of each key came."""

    def open(self, context: FunctionContext) -> None:
        self.count = context.state.value("count", 0)

    def process(self, value: int, context: FunctionContext) -> Any:
        self.count.update(self.count.value() + 1)
        context.set_timer(2**50)
        if value % 2:
            context.emit(value, side="odd")
            return
        yield value

    def on_timer(self, time: int, context: FunctionContext) -> Any:
        yield [context.key, self.count.value()]


def down(item: int) -> int:
    return item - 100_000_000


def again(item: int) -> bool:
    return item >= 100_000_000


def lift(number: int) -> int:
    return number + 100_000_000 * (number % 4)


def framed(key: Any, window: Any, value: int) -> list[int]:
    return [key, window.start, value]


def build(env: StreamEnvironment, run: Run) -> tuple[Any, Any]:
    """Sums to two sinks, windows, loops, side outputs, calls that wait; several sources."""
    folder, count = Path(run.folder), run.records
    out = folder / "out"
    long = env.from_source(Numbers(count, 4), uid="long")
    short = env.from_source(Numbers(count // 10, 3), uid="short", parallelism=1)
    chance = random.Random(run.seed)
    both = long.union(short).map(Mine(folder, run.at_record, chance.randrange(4)))
    sums = both.key_by(key_of).aggregate_running(nothing, add, told, uid="sums")
    sums.sink(FileSink(out / "sums"), uid="sums-out")
    sums.map(itself).sink(FileSink(out / "again"), uid="again-out", parallelism=1)
    ordered = env.from_source(Numbers(count, 1), uid="ordered", parallelism=1)
    timed = ordered.assign_timestamps(itself).uid("times")
    counts = timed.key_by(key_of).window(Tumbling(WINDOW)).fold(int, _count, result=framed)
    counts.uid("windows").sink(FileSink(out / "windows"), uid="windows-out")
    waited = timed.async_map(soon, concurrency=20, uid="async").filter(some)
    sided = waited.key_by(key_of).process(Sides(), sides=("odd",), uid="sides")
    sided.sink(FileSink(out / "even"), uid="even-out")
    loop = long.filter(some).map(lift)
    loop = loop.iterate(lambda items: items.map(down).partition(again))
    return sided.side_output("odd").collect(), loop.collect()


def _count(held: int, number: int) -> int:
    return held + 1


def environment(run: Run) -> StreamEnvironment:
    config = {
        "parallelism": run.parallelism,
        "batch.size": run.batch,
        "queue.records": 2 * run.batch,
        "workers": 2,
        "key.groups": 32,
        "state.backend": run.state,
        "checkpoint.dir": str(Path(run.folder) / "checkpoints"),
        "checkpoint.interval": run.interval_ms,
        "restart.strategy": "fixed",
        "restart.attempts": 10,
        "restart.delay": 1,
        "taskmanager.cpu.cores": 0.25,
    }
    if run.backend == "ray":
        return RemoteEnvironment("chaos", config)
    return LocalEnvironment("chaos", config, backend=run.backend)


class Killer:
    """Listens to the job, and kills once there are so many checkpoints."""

    def __init__(self, run: Run, job: Job) -> None:
        self.run, self.job = run, job
        self.count = 0

    def __call__(self, event: Any) -> None:
        if event.kind != "checkpoint":
            return
        self.count += 1
        if self.count != self.run.at_checkpoint:
            return
        if self.run.victim == "coordinator":
            os.kill(os.getpid(), signal.SIGKILL)
        workers = self.workers()
        if workers:
            chosen = random.Random(self.run.seed).choice(sorted(workers))
            os.kill(chosen, signal.SIGKILL)

    def workers(self) -> list[int]:
        """Processes in which functions are at work now."""
        pids = [int(path.name) for path in (Path(self.run.folder) / "pids").iterdir()]
        return [pid for pid in pids if pid != os.getpid() and psutil.pid_exists(pid)]


def main(run: Run) -> None:
    folder = Path(run.folder)
    (folder / "pids").mkdir(exist_ok=True)
    env = environment(run)
    odd, loop = build(env, run)
    begun = (folder / "begun").exists()
    (folder / "begun").touch()
    job = env.submit(wait=False, resume="latest" if begun else None)
    if run.at_checkpoint:
        job.listen(Killer(run, job))
    job.wait(150)
    found = {"odd": odd.get(), "loop": loop.get(), "attempts": job.attempts}
    (folder / "collected.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Run(**json.loads(sys.argv[1])))
