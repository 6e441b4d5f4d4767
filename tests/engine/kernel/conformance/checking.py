"""Runs a program, and compares what comes out with what it means."""

from collections import Counter
from typing import Any

from tests.engine.kernel.conformance import reference
from tests.engine.kernel.conformance.functions import canon
from tests.engine.kernel.conformance.programs import Builder, Program
from weft_engine.kernel.coordinator import Job
from weft_engine.kernel.environment import StreamEnvironment

PATIENCE = 120


def check(
    env: StreamEnvironment, program: Program, parallelism: int, resume: str | None = None
) -> Job:
    """Run it in an empty environment of that parallelism."""
    ends = Builder(env, program, parallelism).build()
    job = env.submit(wait=False, resume=resume)
    try:
        job.wait(PATIENCE)
    finally:
        job.cancel()
    compare(env, ends)
    return job


def compare(env: StreamEnvironment, ends: list[tuple[Any, bool]]) -> None:
    expected = reference.collected(env.graph)
    for number, (collected, ordered) in enumerate(ends):
        wanted = [canon(value) for value in expected[collected.uid]]
        found = [canon(value) for value in collected.get()]
        if ordered:
            assert found == wanted, f"end {number}"
        else:
            assert Counter(found) == Counter(wanted), f"end {number}"
