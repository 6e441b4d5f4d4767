"""Progress is told often at first and seldom later on, and what was said last is always told."""

from itertools import pairwise
from pathlib import Path

import pytest

from tests.engine.runs.engine.harness import execute, flow_of
from weft_engine.runs.engine.story import MOST_TOLD
from weft_engine.runs.pace import Pace


@pytest.mark.parametrize(
    ("seconds", "each", "most"),
    [
        pytest.param(5, 0.01, 102, id="twenty a second at first"),
        pytest.param(3_600, 0.05, 4_500, id="one a second in the end"),
        pytest.param(3_600, 10.0, 361, id="what is seldom said is told at once"),
    ],
)
def test_how_often_it_is_told(seconds: float, each: float, most: int) -> None:
    pace, now, told = Pace(), 1_000.0, list[float]()
    while now < 1_000.0 + seconds:
        if pace.due(now):
            told.append(now)
        now += each
    assert len(told) <= most
    assert len(told) >= most * 0.9
    assert all(later - earlier >= 0.049 for earlier, later in pairwise(told))
    assert now - told[-1] <= max(1.1, each + 0.01)


def test_the_last_is_told_whatever_the_pace() -> None:
    pace = Pace()
    assert pace.due(0.0)
    assert not pace.due(0.01)
    assert pace.behind
    assert pace.due(0.02, anyway=True)
    assert not pace.behind


@pytest.mark.parametrize("rounds", [1, 7, 300])
def test_the_last_round_of_a_loop_is_told_before_its_end(rounds: int, tmp_path: Path) -> None:
    flow = flow_of(
        {
            "v": ("t.value", {"value": 1}),
            "loop": ("control.while", {"condition": f"index < {rounds}", "max_iterations": 999}),
            "x": ("e.times", {"by": 1}, {"parent": "loop"}),
        },
        ["v.out>loop.initial", "loop.state>x.item", "x.out>loop.next"],
        outputs=["loop"],
    )
    ran = execute(flow, tmp_path)
    assert ran.state == "completed", ran.result.failure
    own = [event for event in ran.events if event.node == "loop"]
    progress = [event for event in own if event.type == "node_progress"]
    assert progress[-1].data["done"] == rounds
    done = [event.data["done"] for event in progress]
    assert done == sorted(set(done))
    assert [event.type for event in own][-1] == "node_completed"


def test_the_last_of_many_calls_is_told(tmp_path: Path) -> None:
    numbers = [float(number) for number in range(200)]
    flow = flow_of(
        {"n": ("e.numbers", {"numbers": numbers}), "x": ("e.effect", {"name": "x"})},
        ["n.out>x.item"],
        outputs=["x"],
    )
    ran = execute(flow, tmp_path)
    assert ran.of("node_progress", "x")[-1].data["done"] == len(numbers)


def test_how_often_a_node_was_called_is_told_at_the_end(tmp_path: Path) -> None:
    times = MOST_TOLD + 50
    flow = flow_of(
        {
            "v": ("t.value", {"value": 1}),
            "loop": ("control.repeat", {"times": str(times)}),
            "x": ("e.times", {"by": 1}, {"parent": "loop"}),
        },
        ["v.out>loop.initial", "loop.state>x.item", "x.out>loop.result"],
        outputs=["loop"],
    )
    ran = execute(flow, tmp_path)
    assert ran.of("node_progress", "loop/x")[-1].data["activations"] == times
