"""Lets a program be interrupted, and go on, as often as a seed says."""

import random
from pathlib import Path
from typing import Any

from tests.engine.kernel.conformance.checking import PATIENCE, compare
from tests.engine.kernel.conformance.programs import Builder, Program
from weft_engine.kernel import LocalEnvironment
from weft_engine.kernel.coordinator import Job
from weft_engine.kernel.runtime.messages import Lost

MANY = 4
"""Programs are built as for so many subtasks, whatever they run with: they must stay the same."""


def settings_of(chance: random.Random, folder: Path, *, late: bool) -> dict[str, Any]:
    return {
        "batch.size": 1 if late else chance.choice([1, 2, 3, 16]),
        "parallelism": 1 if late else chance.randint(1, MANY),
        "chaining": chance.random() < 0.7,
        "state.backend": chance.choice(["heap", "disk"]),
        "state.full_every": chance.choice([1, 2, 10]),
        "seed": chance.randrange(2**32),
        "key.groups": 16,
        "buffer.timeout": chance.choice([0, 0, 5]),
        "checkpoint.dir": str(folder / "checkpoints"),
        "checkpoint.interval": chance.choice([3, 8, 20, 60]),
        "checkpoint.keep": chance.choice([1, 3]),
        "restart.strategy": "fixed",
        "restart.attempts": 100_000,
        "restart.delay": 1,
    }


class Interrupted:
    """Runs on inline: nothing here depends on anything but the seed."""

    def __init__(self, program: Program, seed: int, folder: Path) -> None:
        self.program = program
        self.chance = random.Random(seed)
        self.folder = folder
        self.resume: str | None = None
        self.counts = {"lost": 0, "savepoints": 0, "killed": 0, "rounds": 0}

    def run(self) -> dict[str, int]:
        """Run it to its end, and check what was collected."""
        for _ in range(self.chance.randint(0, 5)):
            env, ends, job = self.begin()
            if self.go_on(job, self.chance.choice([0.0, 0.01, 0.05])):
                break
            self.interrupt(job)
        else:
            env, ends, job = self.begin()
        job.wait(PATIENCE)
        compare(env, ends)
        return self.counts

    def begin(self) -> tuple[LocalEnvironment, list[tuple[Any, bool]], Job]:
        config = settings_of(self.chance, self.folder, late=self.program.late)
        env = LocalEnvironment("interrupted", config, backend="inline")
        parallelism = 1 if self.program.late else MANY
        ends = Builder(env, self.program, parallelism).build()
        self.counts["rounds"] += 1
        return env, ends, env.submit(wait=False, resume=self.resume)

    def go_on(self, job: Job, fault: float) -> bool:
        """Take some steps, and lose workers meanwhile; whether it has come to its end."""
        for _ in range(self.chance.randint(1, 250)):
            job.step()
            if job.state in ("finished", "failed"):
                return True
            if self.chance.random() < fault:
                self.counts["lost"] += 1
                job._work.put(Lost("worker", "for a test", job.attempts - 1))
        return False

    def interrupt(self, job: Job) -> None:
        kind = self.chance.choice(["kill", "stop", "savepoint"])
        if kind == "kill":
            job.cancel()
            self.resume = "latest"
            self.counts["killed"] += 1
            return
        path = self.folder / f"savepoint-{self.counts['savepoints']}"
        self.counts["savepoints"] += 1
        self.resume = str(job.savepoint(path, stop=kind == "stop", timeout=PATIENCE))
        if kind == "savepoint":
            self.go_on(job, 0.0)
            job.cancel()
