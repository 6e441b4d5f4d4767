"""Random programs give what they mean, whatever they run on and however it is set."""

import random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.kernel.conformance.checking import check
from tests.engine.kernel.conformance.conftest import MakeEnvironment
from tests.engine.kernel.conformance.programs import (
    Builder,
    Gene,
    Program,
    drawn,
    late_programs,
    programs,
)
from weft_engine.kernel import LocalEnvironment
from weft_engine.kernel.backends.backend import Backend

relaxed = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
configs = st.fixed_dictionaries(
    {
        "batch.size": st.sampled_from([1, 2, 3, 7, 64, 1024]),
        "parallelism": st.integers(1, 4),
        "chaining": st.booleans(),
        "state.backend": st.sampled_from(["heap", "disk"]),
        "object.reuse": st.booleans(),
        "key.groups": st.sampled_from([4, 128]),
        "queue.records": st.sampled_from([1, 10, 8192]),
        "buffer.timeout": st.sampled_from([0, 5]),
    }
)
seeds = st.none() | st.integers(0, 2**32)


def run(program: Program, config: dict[str, Any], backend: str) -> None:
    env = LocalEnvironment("random", config, backend=backend)
    check(env, program, config["parallelism"])


def seeded(config: dict[str, Any], seed: int | None) -> dict[str, Any]:
    return config if seed is None else {**config, "seed": seed}


@relaxed
@given(program=programs, config=configs, seed=seeds)
def test_inline(program: Program, config: dict[str, Any], seed: int | None) -> None:
    run(program, seeded(config, seed), "inline")


@relaxed
@given(program=late_programs, config=configs, seed=seeds)
def test_late_records(program: Program, config: dict[str, Any], seed: int | None) -> None:
    """Where every record moves alone, it is decided which are late."""
    alone = {**config, "batch.size": 1, "parallelism": 1, "buffer.timeout": 0}
    run(program, seeded(alone, seed), "inline")


@settings(relaxed, max_examples=50)
@given(program=programs, config=configs)
def test_threads(program: Program, config: dict[str, Any]) -> None:
    run(program, config, "threads")


def config_of(chance: random.Random) -> dict[str, Any]:
    return {
        "batch.size": chance.choice([1, 3, 64, 1024]),
        "parallelism": chance.randint(1, 4),
        "chaining": chance.random() < 0.5,
        "state.backend": chance.choice(["heap", "disk"]),
        "key.groups": chance.choice([4, 128]),
    }


@pytest.mark.parametrize("block", range(4))
def test_everywhere(block: int, backend: Backend, make_env: MakeEnvironment) -> None:
    """The same programs on every backend; those on Ray are few, for each takes a while."""
    for seed in range(block * 8, block * 8 + (1 if backend.name == "ray" else 8)):
        chance = random.Random(seed)
        program, config = drawn(chance), config_of(chance)
        check(make_env(**config), program, config["parallelism"])


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("backend", ["inline", "threads"])
def test_at_length(backend: str) -> None:
    for seed in range(10_000, 13_000):
        chance = random.Random(seed)
        late = backend == "inline" and seed % 3 == 0
        program, config = drawn(chance, late=late), config_of(chance)
        if late:
            config |= {"batch.size": 1, "parallelism": 1}
        run(program, config, backend)


def trace(program: Program, seed: int) -> tuple[list[tuple[Any, ...]], list[list[Any]]]:
    """Which subtask did what, step by step; and what was collected."""
    config = {"seed": seed, "parallelism": 3, "batch.size": 4}
    env = LocalEnvironment("traced", config, backend="inline")
    ends = Builder(env, program, 3).build()
    job = env.submit(wait=False)
    steps: list[tuple[Any, ...]] = []
    while job.state not in ("finished", "failed"):
        job.step()
        deployment: Any = job._coordinator.deployment
        if deployment is not None:
            steps.append(tuple(subtask.counters.watermark for subtask in deployment._subtasks))
            steps.append(
                tuple(tuple(row) for s in deployment._subtasks for row in _counts(s.counters.rows))
            )
    assert job.state == "finished", job.error
    return steps, [collected.get() for collected, _ in ends]


def _counts(rows: Any) -> list[list[int]]:
    return [list(row[:3]) for row in rows]


TRACED = Program(
    tuple(range(40)),
    (Gene(9, 0, 0, 0), Gene(8, 0, 0, 3), Gene(7, 1, 2, 0), Gene(19, 0, 0, 2), Gene(24, 0, 0, 1)),
)


def test_the_same_seed_gives_the_same_run() -> None:
    first, results = trace(TRACED, 7)
    again, same = trace(TRACED, 7)
    assert first == again
    assert results == same
    other, _ = trace(TRACED, 8)
    assert other != first
