"""Steps: over, into, out; through scopes, calls, records and iterations that go side by side."""

from pathlib import Path

import pytest

from tests.engine.runs.engine.debugged import (
    ASKED,
    FLOWS,
    GO,
    Debugged,
    after,
    before,
    debug,
    inside,
    step,
)
from tests.engine.runs.engine.harness import execute, flow_of
from weft_engine.runs.debug import Breakpoint, Command


def places(found: Debugged) -> list[str]:
    return [hit.partition(" ")[2] for hit in found.hits]


STEPS: list[tuple[str, str, Breakpoint, list[str], list[str]]] = [
    ("over values", "values", before("v"), ["over"] * 9, ["v@", "a@", "b@", "c@"]),
    ("over from after", "values", after("a"), ["over"] * 9, ["a@", "b@", "c@"]),
    ("into what has no inside", "values", before("a"), ["into"] * 9, ["a@", "b@", "c@"]),
    ("out of the outermost scope", "values", before("a"), ["out"], ["a@"]),
    ("over a container", "loops", before("loop"), ["over"] * 9,
     ["loop@", "end@#0", "end@#1", "end@#2"]),
    ("into a container", "loops", before("loop"), ["into", "over"],
     ["loop@", "loop/x@loop:0", "loop/try@loop:0"]),
    ("into, deeper", "loops", before("loop"), ["into", "over", "into"],
     ["loop@", "loop/x@loop:0", "loop/try@loop:0", "loop/try/bad@loop:0/try:0"]),
    ("to the next iteration", "loops", before("loop/try", "index == 0"), ["over"],
     ["loop/try@loop:0", "loop/try@loop:1"]),
    ("out of a section", "loops", before("loop/try/bad", "index == 0"), ["out"],
     ["loop/try/bad@loop:0/try:0", "loop/x@loop:2"]),
    ("out of a loop", "loops", before("loop/x", once=True), ["out"], ["loop/x@loop:0", "end@#0"]),
    ("into a catch", "loops", before("loop/try/bad", "index == 1"), ["over"],
     ["loop/try/bad@loop:1/try:0", "loop/try/caught@loop:1/try@catch:0"]),
    ("into a call", "calls", before("call"), ["into", "over", "over"],
     ["call@", "call/in@call:0", "call/x@call:0", "z@"]),
    ("over a call", "calls", before("call"), ["over"], ["call@", "z@"]),
    ("out of a call", "calls", before("call/in"), ["out"], ["call/in@call:0", "z@"]),
    ("over records", "streams", before("heavy", once=True), ["over"] * 9,
     ["heavy@#0", "heavy@#1", "heavy@#2", "keep@"]),
    ("to what is done when it failed", "fails", before("x"), ["over"] * 5,
     ["x@", "err@", "tell@"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "flow", "point", "steps", "stops"), STEPS, ids=[name for name, *_ in STEPS]
)
def test_steps(
    name: str, flow: str, point: Breakpoint, steps: list[str], stops: list[str], tmp_path: Path
) -> None:
    wanted = execute(FLOWS[flow], tmp_path, **ASKED.get(flow, {}))
    say = [step(kind) for kind in steps]
    found = debug(FLOWS[flow], tmp_path, point, say=say, **ASKED.get(flow, {}))
    assert places(found) == stops
    assert [event.data["reason"] for event in found.told[1:]] == ["step"] * (len(stops) - 1)
    assert found.ran.outputs == wanted.outputs
    assert found.ran.state == wanted.state


SIDE_BY_SIDE = flow_of(
    {
        "n": ("e.numbers", {"numbers": [1, 2, 3, 4]}),
        "loop": ("control.for_each", {"concurrency": 4}),
        "x": inside("loop", "e.io"),
        "y": inside("loop", "e.times"),
        "z": inside("loop", "e.io"),
    },
    ["n.out>loop.items", "loop.item>x.item", "x.out>y.item", "y.out>z.item", "z.out>loop.result"],
    outputs=["loop"],
)


def test_a_step_follows_its_iteration_and_the_others_wait(tmp_path: Path) -> None:
    say = [step("over"), step("over"), step("over")]
    found = debug(SIDE_BY_SIDE, tmp_path, before("loop/x", "index == 2"), say=say)
    assert places(found)[:3] == ["loop/x@loop:2", "loop/y@loop:2", "loop/z@loop:2"]
    begun = [
        event.data["scope"]
        for event in found.heard[: found.heard.index(found.told[2])]
        if event.type == "node_started" and event.node in ("loop/y", "loop/z")
    ]
    # What had begun before it stopped may have come so far; later only its own went on.
    assert "loop:3" not in begun
    assert found.ran.gave("loop", "results") == [2, 4, 6, 8]


def test_one_of_several_that_stand_steps_and_the_others_stay(tmp_path: Path) -> None:
    flow = flow_of(
        {"v": "t.value", "a": "e.io", "b": "e.io", "c": "e.io", "d": "e.io"},
        ["v.out>a.item", "v.out>b.item", "a.out>c.item", "b.out>d.item"],
    )
    stood: list[set[str]] = []

    def say(found: Debugged) -> Command:
        stood.append(set(found.stands))
        both = {"a@", "b@"} <= set(found.stands)
        return step("over", "b@") if both else GO

    found = debug(flow, tmp_path, after("a"), after("b"), say=say)
    assert found.ran.state == "completed"
    if {"a@", "b@"} in stood:
        assert {"a@", "d@"} in stood


def test_a_step_that_cannot_end_leaves_the_others_standing(tmp_path: Path) -> None:
    """What the step waits for stands itself: the run does not wait for ever."""
    flow = flow_of(
        {"v": "t.word", "a": "e.io", "b": "e.io", "both": "t.both"},
        ["v.out>a.item", "v.out>b.item", "a.out>both.a", "b.out>both.b"],
        outputs=["both"],
    )
    stood: list[list[str]] = []

    def say(found: Debugged) -> Command:
        stood.append(sorted(found.stands))
        return step("over", stood[-1][0])

    found = debug(flow, tmp_path, after("a"), after("b"), say=say)
    assert stood == [["a@", "b@"], ["b@"], ["both@"]]
    assert found.pauses == ["breakpoint", "step", "step"]
    assert found.ran.gave("both") == "w&w"


def test_a_paused_run_steps_to_what_comes_first(tmp_path: Path) -> None:
    flow = FLOWS["values"]
    control_told: list[str] = []

    def say(found: Debugged) -> Command:
        control_told.append(found.pauses[-1])
        return step("over") if len(control_told) == 1 else GO

    found = debug(flow, tmp_path, say=say, begin=[Command(kind="pause")])
    assert control_told == ["asked", "step"]
    assert found.hits == ["before v@"]


def test_every_stop_is_left_and_every_pause_ends(tmp_path: Path) -> None:
    found = debug(
        FLOWS["loops"], tmp_path, before("loop/x"), after("loop/x"), say=[step("over")] * 4
    )
    kinds = [event.type for event in found.heard]
    assert kinds.count("breakpoint_hit") == kinds.count("breakpoint_left")
    assert kinds.count("run_paused") == kinds.count("run_resumed") == len(found.pauses)


def test_what_does_not_stand_cannot_step(tmp_path: Path) -> None:
    found = debug(FLOWS["values"], tmp_path, before("a"), say=[[step("over", "b@"), GO]])
    assert [error.code for error in found.refused] == ["run.not_stopped"]
    assert found.ran.state == "completed"
