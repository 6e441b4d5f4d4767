"""What a failure does to a run; limits; waiting and waking; pausing; parts of flows."""

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.engine.harness import Held, TestJournal, execute, flow_of, seen, signal
from weft_engine.runs.debug import Command
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.journal.base import SignalRow

TWO = flow_of(
    {
        "v": ("t.value", {"value": 2}),
        "bad": "e.bad",
        "after": "t.value",
        "needs": "e.io",
        "other": ("e.times", {"by": 3}),
        "more": ("e.times", {"by": 3}),
        "n": ("t.measure"),
        "w": "t.word",
    },
    ["v.out>bad.item", "bad.out>needs.item", "w.out>n.text", "n.length>other.item",
     "other.out>more.item"],
    outputs=["more"],
)  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "state", "needs", "more"),
    [
        ("continue_independent", "failed", "skipped", 9),
        ("best_effort", "completed", "skipped", 9),
    ],
)
def test_independent_branches_go_on(
    policy: str, state: str, needs: str, more: Any, tmp_path: Path
) -> None:
    ran = execute(TWO, tmp_path, failure_policy=policy)
    assert ran.state == state
    assert ran.states()["bad"] == "failed"
    assert ran.states()["needs"] == needs
    assert ran.gave("more") == more


def test_a_failure_stops_the_rest(tmp_path: Path) -> None:
    seen.calls.clear()
    flow = flow_of(
        {"v": ("t.value", {"value": 2}), "hang": "e.hang", "bad": "e.bad", "last": "e.io"},
        ["v.out>hang.item", "v.out>bad.item", "hang.out>last.item"],
    )
    ran = execute(flow, tmp_path)
    assert ran.state == "failed"
    assert ran.states()["last"] == "idle"
    assert ran.events[-1].data["never_ran"][-1] == "last"


def test_a_run_has_a_time_limit(tmp_path: Path) -> None:
    flow = flow_of({"v": "t.value", "hang": "e.hang"}, ["v.out>hang.item"])
    ran = execute(flow, tmp_path, max_seconds=0.05)
    assert ran.state == "failed"
    assert ran.result.failure is not None
    assert ran.result.failure["code"] == "run.timeout"


def test_no_more_are_under_way_than_allowed(tmp_path: Path) -> None:
    flow = flow_of(
        {"v": "t.value", **{f"n{n}": "e.io" for n in range(12)}},
        [f"v.out>n{n}.item" for n in range(12)],
    )
    assert execute(flow, tmp_path, parallelism=2).state == "completed"


RETRY = {"retry": {"max_attempts": 3, "delay_s": 0}}


@pytest.mark.parametrize(("fail", "state", "attempts"), [(2, "completed", 3), (3, "failed", 3)])
def test_effects_are_tried_again_with_the_same_key(
    fail: int, state: str, attempts: int, tmp_path: Path
) -> None:
    seen.calls.clear()
    flow = flow_of(
        {"v": ("t.value", {"value": 1}), "a": ("e.effect", {"name": "a", "fail": fail}, RETRY)},
        ["v.out>a.item"],
    )
    journal = TestJournal()
    ran = execute(flow, tmp_path, journal=journal)
    assert ran.state == state
    assert len(seen.calls["a.keys"]) == attempts
    assert len(set(seen.calls["a.keys"])) == 1
    assert [event.data["attempt"] for event in ran.of("node_retrying", "a")] == [1, 2]
    assert [row.attempt for row in journal.steps if row.node == "a"] == [1, 2, 3, 3]


@pytest.mark.parametrize("policy", ["skip", "continue", "route"])
def test_a_record_with_effects_that_fails(policy: str, tmp_path: Path) -> None:
    seen.calls.clear()
    node = ("e.effect", {"name": "a", "fail": 1}, {"on_error": policy})
    flow = flow_of({"n": "e.numbers", "a": node}, ["n.out>a.item"], outputs=["a"])
    ran = execute(flow, tmp_path)
    assert ran.state == "completed"
    wanted = {"skip": [2, 3], "continue": [None, 2, 3], "route": [2, 3]}
    assert ran.gave("a") == wanted[policy]
    assert seen.calls["a.scopes"] == ["#0", "#1", "#2"]
    done = ran.of("node_completed", "a")[0].data
    assert done["failures"]["count"] == 1
    if policy == "route":
        assert [failure["item"] for failure in ran.gave("a", "error")] == [1]


# Waiting

WAIT = flow_of(
    {
        "v": ("t.value", {"value": {"order": 7}}),
        "wait": ("control.signal", {"name": "paid-{{ item.order }}"}),
        "after": "e.io",
        "other": "e.io",
    },
    ["v.out>wait.item", "wait.received>after.item", "v.out>other.item"],
    outputs=["after"],
)


def test_a_run_that_waits_rests_and_is_woken(tmp_path: Path) -> None:
    journal = TestJournal()
    ran = execute(WAIT, tmp_path, journal=journal)
    assert ran.state == "paused"
    assert journal.status == "parked"
    told = ran.events[-1]
    assert (told.type, told.data["reason"]) == ("run_paused", "waiting")
    assert told.data["waits"][0]["signal"] == "paid-7"
    assert ran.states()["other"] == "completed"
    assert [wake.signal for wake in journal.wakes.values()] == ["paid-7"]
    early = execute(WAIT, tmp_path, journal=journal, resume=True, last_seq=ran.events[-1].seq)
    assert early.state == "paused"
    woken = execute(
        WAIT,
        tmp_path,
        journal=journal,
        resume=True,
        signals=[SignalRow(id="s1", name="paid-7", payload={"eur": 5})],
    )
    assert woken.state == "completed"
    assert woken.gave("after") == {"eur": 5}
    assert journal.wakes == {}
    assert journal.taken == {"s1"}


def test_a_signal_ends_a_wait_in_a_run_without_a_journal(tmp_path: Path) -> None:
    control = RunControl()

    def heard(event: Any) -> None:
        if event.type == "node_waiting":
            control.send(signal("nobody"))
            control.send(signal("paid-7", 1))

    ran = execute(WAIT, tmp_path, control=control, heard=heard)
    assert ran.state == "completed"
    assert ran.gave("after") == 1


def test_a_short_wait_is_waited_for(tmp_path: Path) -> None:
    flow = flow_of(
        {"v": "t.value", "wait": ("control.wait", {"seconds": 0.01})},
        ["v.out>wait.item"],
        outputs=["wait"],
    )
    journal = TestJournal()
    ran = execute(flow, tmp_path, journal=journal)
    assert ran.state == "completed"
    assert [event.type for event in ran.events if event.node == "wait"][:2] == [
        "node_started",
        "node_waiting",
    ]


def test_a_run_that_waits_can_be_cancelled(tmp_path: Path) -> None:
    control = RunControl()
    ran = execute(
        WAIT,
        tmp_path,
        control=control,
        heard=lambda event: control.cancel() if event.type == "node_waiting" else None,
    )
    assert ran.state == "cancelled"
    assert ran.states()["wait"] == "cancelled"


def test_a_run_is_paused_and_goes_on(tmp_path: Path) -> None:
    control = RunControl()
    flow = flow_of(
        {"v": "t.value", "a": "e.held", "b": "e.io"},
        ["v.out>a.item", "a.out>b.item"],
        outputs=["b"],
    )
    paused = threading.Event()
    Held.let_go.clear()

    def heard(event: Any) -> None:
        if event.type == "node_started" and event.node == "a":
            control.send(Command(kind="pause"))
            Held.let_go.set()
        if event.type == "run_paused":
            paused.set()
            control.send(Command(kind="resume"))

    ran = execute(flow, tmp_path, control=control, heard=heard)
    assert ran.state == "completed"
    assert paused.is_set()
    kinds = [event.type for event in ran.events if event.type.startswith("run_")]
    assert kinds == ["run_started", "run_paused", "run_resumed", "run_completed"]
    types = [(event.type, event.node) for event in ran.events]
    assert types.index(("run_resumed", None)) < types.index(("node_started", "b"))


def test_values_take_the_place_of_what_arrives(tmp_path: Path) -> None:
    flow = flow_of({"v": ("t.value", {"value": 1}), "a": "e.io"}, ["v.out>a.item"], outputs=["a"])
    assert execute(flow, tmp_path, overrides={"a": {"item": 5}}).gave("a") == 5


def test_records_take_the_place_of_what_arrives(tmp_path: Path) -> None:
    nodes = {"n": "e.numbers", "a": ("e.effect", {"name": "a"}), "c": "t.count"}
    flow = flow_of(nodes, ["n.out>a.item", "n.out>c.rows"], outputs=["a", "c"])
    ran = execute(flow, tmp_path, overrides={"a": {"item": [9]}, "c": {"rows": [1, 1]}})
    assert ran.result.failure is None
    assert (ran.gave("a"), ran.gave("c")) == ([9], [2])
