"""Random programs give what the reference gives, at any batch size."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.engine.kernel.reference import REFERENCE, Step, build, evaluate
from weft_engine.kernel.environment import LocalEnvironment

ONE_INPUT = sorted(set(REFERENCE) - {"source", "join", "concat"})
MOST_RECORDS = 3000


@st.composite
def programs(draw: st.DrawFn) -> list[Step]:
    records = st.lists(st.integers(-20, 50), max_size=40)
    program = [Step("source", records=tuple(draw(records))) for _ in range(draw(st.integers(1, 3)))]
    for _ in range(draw(st.integers(1, 8))):
        earlier = st.integers(0, len(program) - 1)
        kind = draw(st.sampled_from([*ONE_INPUT, "join", "concat"]))
        count = 2 if kind in ("join", "concat") else 1
        program.append(
            Step(
                kind,
                tuple(draw(earlier) for _ in range(count)),
                number=draw(st.integers(1, 7)),
                how=draw(st.sampled_from(["inner", "left", "right", "outer"])),
            )
        )
        if sum(map(len, evaluate(program))) > MOST_RECORDS:
            program.pop()
    return program


@pytest.mark.parametrize("batch_size", [1, 2, 7, 1024])
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(program=programs())
def test_programs_mean_the_same_in_batches(batch_size: int, program: list[Step]) -> None:
    expected = evaluate(program)
    env = LocalEnvironment(batch_size=batch_size)
    streams = build(env, program)
    got: Any = env.run(*streams)
    if len(streams) == 1:
        got = [got]
    assert got == expected


@settings(max_examples=60, deadline=None)
@given(program=programs(), batch_size=st.sampled_from([1, 3, 1024]))
def test_only_what_is_asked_for_changes_nothing(program: list[Step], batch_size: int) -> None:
    """Looking at the last stream alone lets sources stop early, but gives the same records."""
    env = LocalEnvironment(batch_size=batch_size)
    streams = build(env, program)
    assert env.run(streams[-1]) == evaluate(program)[-1]
