"""Breakpoints: before and after every kind of activation, conditions, counts, limits."""

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.engine.debugged import ASKED, FLOWS, GO, Debugged, after, before, debug
from tests.engine.runs.engine.harness import TestJournal, execute, flow_of, seen, signal
from weft_engine.errors import FlowError
from weft_engine.runs.debug import Breakpoint, Command

CASES: list[tuple[str, Breakpoint, dict[str, dict[str, Any]]]] = [
    ("values", before("v"), {"v@": {}}),
    ("values", before("a"), {"a@": {"item": 2}}),
    ("values", after("a"), {"a@": {"out": 4}}),
    ("values", before("b"), {"b@": {"item": 4}}),
    ("values", after("b"), {"b@": {"out": 4}}),
    ("streams", before("n"), {"n@": {}}),
    ("streams", after("n"), {"n@": {"out": [1, 2, 3]}}),
    ("streams", before("light"), {f"light@#{at}": {"item": at + 1} for at in range(3)}),
    ("streams", after("light"), {f"light@#{at}": {"out": 2 * at + 2} for at in range(3)}),
    ("streams", before("heavy"), {f"heavy@#{at}": {"item": 2 * at + 2} for at in range(3)}),
    ("streams", after("heavy"), {f"heavy@#{at}": {"out": 2 * at + 2} for at in range(3)}),
    ("streams", before("keep"), {"keep@": {"rows": [2, 4, 6]}}),
    ("streams", after("keep"), {"keep@": {"out": [2, 4, 6]}}),
    ("streams", before("all"), {"all@": {"rows": [2, 4, 6]}}),
    ("loops", before("loop"), {"loop@": {"items": [1, 2, 3]}}),
    ("loops", before("loop/x"), {f"loop/x@loop:{at}": {"item": at + 1} for at in range(3)}),
    ("loops", after("loop/x"), {f"loop/x@loop:{at}": {"out": 2 * at + 2} for at in range(3)}),
    ("loops", before("loop/try"), {f"loop/try@loop:{at}": {"item": 2 * at + 2} for at in range(3)}),
    ("loops", before("loop/try/bad"),
     {f"loop/try/bad@loop:{at}/try:0": {"item": 2 * at + 2} for at in range(3)}),
    ("loops", after("loop/try/bad"),
     {f"loop/try/bad@loop:{at}/try:0": {"out": 2 * at + 2} for at in (0, 2)}),
    ("calls", before("call"), {"call@": {"item": 3}}),
    ("calls", after("call"), {"call@": {"result": 30}}),
    ("calls", before("call/x"), {"call/x@call:0": {"item": 3}}),
    ("calls", after("call/x"), {"call/x@call:0": {"out": 30}}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "point", "stops"), CASES, ids=[f"{point.when} {point.node}" for _, point, _ in CASES]
)
def test_a_run_stops_there_with_its_values(
    name: str, point: Breakpoint, stops: dict[str, dict[str, Any]], tmp_path: Path
) -> None:
    wanted = execute(FLOWS[name], tmp_path, **ASKED.get(name, {}))
    found = debug(FLOWS[name], tmp_path, point, **ASKED.get(name, {}))
    shown = {event.data["at"]: found.values(at) for at, event in enumerate(found.told)}
    assert shown == stops
    assert {event.data["when"] for event in found.told} == {point.when}
    assert {event.data["reason"] for event in found.told} == {"breakpoint"}
    assert [event.data["hit"] for event in found.told] == list(range(1, len(stops) + 1))
    assert found.ran.state == "completed"
    assert found.ran.outputs == wanted.outputs
    assert not found.stands


def test_a_container_stops_after_its_end(tmp_path: Path) -> None:
    found = debug(FLOWS["loops"], tmp_path, after("loop"), after("loop/try", "index == 1"))
    assert found.hits == ["after loop/try@loop:1", "after loop@"]
    tried, loop = found.values(0), found.values(1)
    assert tried["result"]["message"] == "4 is bad"
    assert [loop["results"][0], loop["results"][2]] == [2, 6]
    assert loop["errors"] == []


def test_sections_of_a_try_and_what_is_done_when_a_run_fails(tmp_path: Path) -> None:
    found = debug(FLOWS["loops"], tmp_path, before("loop/try/caught"))
    assert found.hits == ["before loop/try/caught@loop:1/try@catch:0"]
    failed = debug(FLOWS["fails"], tmp_path, before("tell"))
    assert failed.hits == ["before tell@"]
    assert failed.values(0)["item"]["message"] == "2 is bad"
    assert (failed.ran.state, failed.ran.states()["tell"]) == ("failed", "completed")


LOOP = flow_of(
    {
        "n": "e.numbers",
        "loop": ("control.for_each", {}),
        "w": ("e.times", {"by": 1}, {"parent": "loop"}),
        "x": ("e.times", {}, {"parent": "loop"}),
    },
    ["n.out>loop.items", "loop.item>w.item", "w.out>x.item", "x.out>loop.result"],
    variables={"limit": 2},
    inputs={"only": {"type": "Number", "default": 1}},
    outputs=["loop"],
)
CONDITIONS: list[tuple[str, Any, list[int]]] = [
    ("item > 1", "before", [1, 2]),
    ("item > 2", "after", [1, 2]),
    ("out == 4", "after", [1]),
    ("index == 2 and scope == 'loop:2'", "before", [2]),
    ("vars.limit < item", "before", [2]),
    ("inputs.only == index", "before", [1]),
    ("nodes.w == 3", "before", [2]),
    ("item.missing.deep > 3", "before", []),
]


@pytest.mark.parametrize(
    ("condition", "when", "stops"), CONDITIONS, ids=[c for c, *_ in CONDITIONS]
)
def test_conditions(condition: str, when: Any, stops: list[int], tmp_path: Path) -> None:
    point = Breakpoint(node="loop/x", when=when, condition=condition)
    found = debug(LOOP, tmp_path, point)
    assert found.hits == [f"{when} loop/x@loop:{at}" for at in stops]
    told = [e for e in found.ran.of("log") if "Condition of the breakpoint" in e.data["message"]]
    assert len(told) == ("missing" in condition)


BAD = [("item >", "expression.syntax"), ("__import__('os')", None), ("itme > 1", None)]


@pytest.mark.parametrize(("condition", "cause"), BAD, ids=[c for c, _ in BAD])
def test_a_condition_that_means_nothing_is_refused(
    condition: str, cause: str | None, tmp_path: Path
) -> None:
    with pytest.raises(FlowError) as raised:
        debug(LOOP, tmp_path, before("loop/x", condition))
    assert raised.value.code == "run.bad_breakpoint"
    assert (raised.value.params["node"], raised.value.params["condition"]) == ("loop/x", condition)
    found = debug(
        LOOP, tmp_path, before("loop"),
        say=[[Command(kind="breakpoints", breakpoints=[before("loop/x", condition)]), GO]],
    )  # fmt: skip
    assert [error.code for error in found.refused] == ["run.bad_breakpoint"]
    assert found.hits == ["before loop@"]  # the earlier ones are still there


COUNTS: list[tuple[str, dict[str, Any], list[int]]] = [
    ("from the second time on", {"hits": 2}, [1, 2]),
    ("the third time that it holds", {"hits": 2, "condition": "item != 2"}, [2]),
    ("once", {"once": True}, [0]),
    ("once, from the second time on", {"once": True, "hits": 2}, [1]),
    ("switched off", {"enabled": False}, []),
    ("sampled", {"sample": 2}, []),
]


@pytest.mark.parametrize(("name", "fields", "stops"), COUNTS, ids=[name for name, *_ in COUNTS])
def test_counts(name: str, fields: dict[str, Any], stops: list[int], tmp_path: Path) -> None:
    found = debug(LOOP, tmp_path, before("loop/x", **fields))
    assert found.hits == [f"before loop/x@loop:{at}" for at in stops]


def test_counts_go_on_when_breakpoints_are_set_again(tmp_path: Path) -> None:
    again = Command(kind="breakpoints", breakpoints=[before("loop/x"), after("loop/w", once=True)])
    found = debug(LOOP, tmp_path, before("loop/x"), say=[[again, GO]])
    assert found.hits == ["before loop/x@loop:0", "after loop/w@loop:1", "before loop/x@loop:1",
                          "before loop/x@loop:2"]  # fmt: skip
    assert [event.data["hit"] for event in found.told] == [1, 1, 2, 3]


def test_set_while_the_run_is_under_way_they_hold_for_what_has_not_started(tmp_path: Path) -> None:
    flow = flow_of(
        {"n": "e.numbers", "a": "e.times", "b": ("e.times", {"by": 3}), "v": ("e.io")},
        ["n.out>v.item", "v.out>a.item", "a.out>b.item"],
        outputs=["b"],
    )
    points = [before("b"), after("b", "item > 1"), before("gone")]
    found = debug(flow, tmp_path, before("n"),
                  say=[[Command(kind="breakpoints", breakpoints=points), GO]])  # fmt: skip
    # a and b are worked on together in this run: the stretch stops as a whole.
    assert found.hits == ["before n@", "before b@"]
    assert found.ran.gave("b") == [6, 12, 18]
    logged = [(e.node, e.data["message"]) for e in found.ran.of("log")]
    assert [node for node, _ in logged] == ["gone", "b"]
    assert "together with others" in logged[1][1]


def test_what_is_under_way_ends_and_nothing_new_is_started(tmp_path: Path) -> None:
    flow = flow_of(
        {"v": "t.value", "a": "e.io", "b": "e.io", "c": "e.io", "d": "e.io"},
        ["v.out>a.item", "v.out>b.item", "a.out>c.item", "b.out>d.item"],
    )
    seen_at_pause: list[dict[str, str]] = []

    def say(found: Debugged) -> Command:
        ended = {e.node for e in found.heard if e.type == "node_completed"}
        started = {e.node for e in found.heard if e.type == "node_started"}
        seen_at_pause.append({"ended": ",".join(sorted(map(str, ended))),
                              "started": ",".join(sorted(map(str, started)))})  # fmt: skip
        return GO

    found = debug(flow, tmp_path, after("a"), after("b"), say=say)
    assert sorted(found.hits) == ["after a@", "after b@"]
    assert found.ran.state == "completed"
    for pause in seen_at_pause:
        assert not {"c", "d"} & set(pause["started"].split(","))


def test_cancelled_while_it_stands(tmp_path: Path) -> None:
    nodes = {
        "v": ("t.value", {"value": 1}),
        "try": ("control.try", {}),
        "x": ("e.times", {}, {"parent": "try"}),
        "last": ("e.effect", {"name": "last"}, {"parent": "try"}),
    }
    flow = flow_of(nodes, ["v.out>try.item", "try.item>x.item", "x.out>try.result",
                           "try.outcome>last.item"])  # fmt: skip
    for point in (before("try/x"), after("try/x"), before("try"), after("try"), before("v")):
        seen.calls.clear()

        def say(found: Debugged) -> None:
            found.control.cancel()

        found = debug(flow, tmp_path, point, before("try/last"), say=say)
        assert found.ran.state == "cancelled", point
        assert len(seen.calls.get("last.keys", [])) <= 1
        if point.node == "try/x":
            assert len(seen.calls["last.keys"]) == 1  # what is to be done at last is
        assert not {"running", "queued"} & set(found.ran.states().values())


@pytest.mark.parametrize("point", [before("heavy"), after("heavy"), after("all"), before("all")])
def test_records_that_stand_are_cancelled(point: Breakpoint, tmp_path: Path) -> None:
    found = debug(FLOWS["streams"], tmp_path, point, say=lambda found: found.control.cancel())
    assert found.ran.state == "cancelled"
    assert not {"running", "queued"} & set(found.ran.states().values())


def test_the_loser_of_a_race_stands_no_more(tmp_path: Path) -> None:
    flow = flow_of(
        {
            "v": ("t.value", {"value": 1}),
            "race": ("control.race", {}),
            "fast": ("e.io", {}, {"parent": "race"}),
            "slow": ("e.times", {}, {"parent": "race"}),
        },
        ["v.out>race.item", "race.item>fast.item", "race.item>slow.item", "fast.out>race.result",
         "slow.out>race.result"],
        outputs=["race"],
    )  # fmt: skip
    found = debug(flow, tmp_path, before("race/slow"))
    assert found.ran.state == "completed"
    assert found.stands == {}


def test_a_run_that_waits_stops_when_it_is_woken(tmp_path: Path) -> None:
    flow = flow_of(
        {"v": "t.value", "s": ("control.signal", {"name": "go"}), "x": "e.io"},
        ["v.out>s.item", "s.received>x.item"],
        outputs=["x"],
    )
    control_told = threading.Event()

    def say(found: Debugged) -> list[Command]:
        if control_told.is_set():
            return [GO]
        control_told.set()
        return [GO, signal("go", 7)]

    found = debug(flow, tmp_path, before("s"), after("s"), say=say)
    assert found.hits == ["before s@", "after s@"]
    assert found.ran.gave("x") == 7


def test_without_a_breakpoint_nothing_is_looked_at(tmp_path: Path) -> None:
    journal = TestJournal()
    found = debug(FLOWS["loops"], tmp_path, journal=journal)
    assert (found.hits, found.pauses) == ([], [])
    assert [row for row in journal.steps if row.kind == "stop"] == []
