"""Containers are tried again as a whole: afresh, with the same keys, after a rest that lasts."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.engine.harness import Ran, TestJournal, execute, flow_of, seen
from tests.engine.runs.engine.test_children import calling
from weft_engine.flow.model import Flow
from weft_engine.runs.context import idempotency_key
from weft_engine.runs.engine.children import child_id
from weft_engine.runs.engine.clock import Clock
from weft_engine.runs.engine.control import RunControl
from weft_engine.runs.journal.errors import JournalError

RETRY = {"retry": {"max_attempts": 3, "delay_s": 0}}
IN = {"v": ("t.value", {"value": 2}), "n": "e.numbers"}


def inside(parent: str, kind: str, **settings: Any) -> Any:
    return (kind, settings, {"parent": parent})


def one(
    kind: str, entry: str, exit_: str, *, fail: int, given: str = "item", **settings: Any
) -> Flow:
    """A container with an effect in it that fails at first."""
    return flow_of(
        {**IN, "c": (kind, settings, RETRY), "x": inside("c", "e.effect", name="x", fail=fail)},
        [f"{'n.out' if entry == 'items' else 'v.out'}>c.{entry}", f"c.{given}>x.item",
         f"x.out>c.{exit_}"],
        outputs=["c"],
    )  # fmt: skip


ROUNDS = {"condition": "index < 2", "max_iterations": 5}
KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "for each": (
        ("control.for_each", "items", "result"), {"concurrency": 2},
    ),
    "while": (("control.while", "initial", "next"), {"given": "state", **ROUNDS}),
    "repeat": (("control.repeat", "initial", "result"), {"given": "state", "times": "2"}),
    "parallel": (("control.parallel", "item", "result"), {}),
    "race": (("control.race", "item", "result"), {}),
    "try": (("control.try", "item", "result"), {"fail_again": True}),
}  # fmt: skip
GIVES = {
    "for each": {"results": [1, 2, 3], "errors": []},
    "while": {"state": 2, "iterations": 2},
    "repeat": {"state": 2, "results": [2, 2]},
    "parallel": {"results": [2]},
    "race": {"result": 2},
    "try": {"result": 2},
}


def plain(ran: Ran, node: str = "c") -> dict[str, Any]:
    kept = ran.outputs.get(node, {})
    return {port: one.get("value", one.get("records")) for port, one in kept.items()}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("fail", "attempts"), [(0, 1), (1, 2), (2, 3), (3, 3)])
def test_every_container_is_tried_again(
    kind: str, fail: int, attempts: int, tmp_path: Path
) -> None:
    seen.calls.clear()
    where, more = KINDS[kind]
    if kind == "for each":
        more = {**more, "concurrency": 1}
    journal = TestJournal()
    ran = execute(one(*where, fail=fail, **more), tmp_path, journal=journal)
    assert ran.state == ("completed" if fail < 3 else "failed"), ran.result.failure
    assert ran.result.nodes["c"].attempts == attempts
    retrying = ran.of("node_retrying", "c")
    assert [event.data["attempt"] for event in retrying] == list(range(1, min(fail, 2) + 1))
    assert all(event.data["failure"]["code"] == "node.crashed" for event in retrying)
    rows = [(row.attempt, row.state) for row in journal.steps if row.kind == "retry"]
    assert rows == [(number, "completed") for number in range(1, attempts)]
    (end,) = [row for row in journal.steps if (row.kind, row.node) == ("node", "c")]
    assert (end.attempt, end.state) == (attempts, ran.state)
    if fail < 3:
        assert plain(ran) == GIVES[kind]
        scopes = seen.calls["x.scopes"][fail:]
        assert all(scope.endswith(f"~{attempts}") == (fail > 0) for scope in scopes)
        if fail:
            done = ran.of("node_completed", "c")[0].data
            assert (done["attempt"], done["attempts"]) == (attempts, 3)
    again = seen.calls["x.keys"][: fail + 1]
    assert len(set(again)) == 1


@pytest.mark.parametrize(
    ("policy", "wanted"),
    [("skip", {}), ("continue", {"results": [], "errors": []}), ("route", {"error": 2})],
)
def test_after_the_last_attempt_the_policy_holds(
    policy: str, wanted: dict[str, Any], tmp_path: Path
) -> None:
    seen.calls.clear()
    flow = flow_of(
        {"n": "e.numbers", "c": ("control.for_each", {}, {**RETRY, "on_error": policy}),
         "x": inside("c", "e.effect", name="x", fail=9)},
        ["n.out>c.items", "c.item>x.item", "x.out>c.result"],
        outputs=["c"],
    )  # fmt: skip
    ran = execute(flow, tmp_path)
    assert ran.state == "completed", ran.result.failure
    assert len(seen.calls["x.keys"]) == 3
    found = plain(ran)
    if policy == "route":
        assert found["error"]["message"] == "[Errno 11] busy"
    else:
        assert found == wanted


def test_what_an_attempt_did_is_gone_with_it(tmp_path: Path) -> None:
    """Results, variables and rounds of an attempt that failed count for nothing."""
    seen.calls.clear()
    flow = flow_of(
        {
            "v": ("t.value", {"value": 1}),
            "c": ("control.repeat", {"times": "3"}, RETRY),
            "set": inside("c", "vars.set", name="total", value="vars.total + 1"),
            "first": inside("c", "e.effect", name="first"),
            "x": inside("c", "e.effect", name="x", fail=2),
            "get": ("vars.get", {"name": "total"}),
        },
        ["v.out>c.initial", "c.state>set.item", "set.out>first.item", "first.out>x.item",
         "x.out>c.result", "c.state>get.after"],
        variables={"total": 0},
        outputs=["c", "get"],
    )  # fmt: skip
    ran = execute(flow, tmp_path)
    assert ran.state == "completed", ran.result.failure
    assert plain(ran)["results"] == [1, 1, 1]
    assert ran.gave("get", "value") == 3
    assert seen.calls["first.scopes"] == ["c:0", "c:0~2", "c:0~3", "c:1~3", "c:2~3"]
    assert len(set(seen.calls["first.keys"])) == 3


NESTED = flow_of(
    {
        "n": "e.numbers",
        "outer": ("control.for_each", {"concurrency": 2}, RETRY),
        "a": inside("outer", "e.effect", name="a"),
        "inner": ("control.try", {"fail_again": True},
                  {"parent": "outer", "retry": {"max_attempts": 2, "delay_s": 0}}),
        "x": inside("inner", "e.effect", name="x", fail=5),
        "end": ("e.effect", {"name": "end"}),
    },
    ["n.out>outer.items", "outer.item>a.item", "a.out>inner.item", "inner.item>x.item",
     "x.out>inner.result", "inner.result>outer.result", "outer.results>end.item"],
    outputs=["end"],
)  # fmt: skip


def test_containers_in_containers_multiply(tmp_path: Path) -> None:
    seen.calls.clear()
    flow = NESTED.model_copy()
    one_at_a_time = {**dict(flow.nodes["outer"].settings), "concurrency": 1}
    nodes = dict(flow.nodes)
    nodes["outer"] = nodes["outer"].model_copy(update={"settings": one_at_a_time})
    ran = execute(flow.replace(nodes=nodes), tmp_path)
    assert ran.state == "completed", ran.result.failure
    assert ran.gave("end") == [1, 2, 3]
    assert seen.calls["x.scopes"][:6] == [
        f"outer:0{outer}/inner:0{inner}" for outer in ("", "~2", "~3") for inner in ("", "~2")
    ]
    assert len(set(seen.calls["x.keys"])) == 3
    assert ran.of("node_completed", "outer")[0].data["attempt"] == 3


@pytest.mark.parametrize("flow", [NESTED, one(*KINDS["while"][0], fail=2, **KINDS["while"][1])])
def test_killed_after_any_row_and_resumed(flow: Flow, tmp_path: Path) -> None:
    seen.calls.clear()
    whole = execute(flow, tmp_path / "whole", journal=(full := TestJournal()))
    assert whole.state == "completed", whole.result.failure
    keys = {name: set(calls) for name, calls in seen.calls.items() if name.endswith(".keys")}
    for most in range(len(full.steps)):
        seen.calls.clear()
        journal = TestJournal(most)
        folder = tmp_path / str(most)
        with pytest.raises(JournalError):
            execute(flow, folder, journal=journal)
        journal.heal()
        ended = journal.ended()
        since = len(journal.steps)
        again = execute(flow, folder, journal=journal, resume=True)
        assert again.state == "completed", again.result.failure
        assert plain(again, flow.outputs[0]) == plain(whole, flow.outputs[0])
        assert {name: set(calls) for name, calls in seen.calls.items()
                if name.endswith(".keys")} == keys  # fmt: skip
        assert ended.isdisjoint(journal.ended(since))


class Hands(Clock):
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        return self.now


def slow(**more: Any) -> Flow:
    node = {"retry": {"max_attempts": 3, "delay_s": 60, "backoff": 2, "max_delay_s": 90}, **more}
    return flow_of(
        {**IN, "c": ("control.parallel", {}, node), "x": inside("c", "e.effect", name="x", fail=2)},
        ["v.out>c.item", "c.item>x.item", "x.out>c.result"],
        outputs=["c"],
    )


def test_a_long_rest_is_waited_for_outside_the_memory(tmp_path: Path) -> None:
    """The rest is counted from the failure, whether the engine was there or not."""
    seen.calls.clear()
    journal, clock = TestJournal(), Hands()

    def on(resume: bool = True) -> Ran:
        return execute(slow(), tmp_path, journal=journal, clock=clock, resume=resume)

    first = on(resume=False)
    assert (first.state, journal.status) == ("paused", "parked")
    told = first.events[-1].data
    assert [(wait["node"], wait["due"]) for wait in told["waits"]] == [("c", 1_060.0)]
    assert [wake.due for wake in journal.wakes.values()] == [1_060.0]
    clock.now = 1_020.0
    assert on().state == "paused"
    assert len(seen.calls["x.keys"]) == 1
    clock.now = 1_060.0
    second = on()
    assert second.state == "paused"
    assert second.of("node_started", "c")[0].data == {"attempt": 2, "attempts": 3}
    assert [wake.due for wake in journal.wakes.values()] == [1_150.0]
    clock.now = 1_151.0
    last = on()
    assert last.state == "completed"
    assert len(seen.calls["x.keys"]) == 3
    assert len(set(seen.calls["x.keys"])) == 1
    assert journal.wakes == {}


def test_a_rest_ends_when_the_run_is_cancelled(tmp_path: Path) -> None:
    seen.calls.clear()
    control = RunControl()
    ran = execute(
        slow(),
        tmp_path,
        control=control,
        heard=lambda event: control.cancel() if event.type == "node_retrying" else None,
    )
    assert ran.state == "cancelled"
    assert ran.states()["c"] == "cancelled"
    assert ran.result.nodes["c"].attempts == 1
    assert len(seen.calls["x.keys"]) == 1


def test_a_time_limit_holds_for_each_attempt(tmp_path: Path) -> None:
    seen.calls.clear()
    flow = flow_of(
        {**IN, "c": ("control.parallel", {}, {**RETRY, "timeout_s": 0.05}),
         "x": inside("c", "e.hang")},
        ["v.out>c.item", "c.item>x.item", "x.out>c.result"],
    )  # fmt: skip
    ran = execute(flow, tmp_path)
    assert ran.state == "failed"
    assert ran.result.failure is not None
    assert ran.result.failure["code"] == "node.timeout"
    assert seen.calls["hang.began"] == ["c:0", "c:0~2", "c:0~3"]
    assert seen.calls["hang.stopped"] == ["c:0", "c:0~2", "c:0~3"]


WAITING = flow_of(
    {**IN, "c": ("control.try", {}, {"timeout_s": 60, "on_error": "route"}),
     "w": inside("c", "control.signal", name="never")},
    ["v.out>c.item", "c.item>w.item", "w.received>c.result"],
    outputs=["c"],
)  # fmt: skip


@pytest.mark.parametrize(("later", "state"), [(30, "paused"), (61, "completed")])
def test_a_time_limit_counts_while_the_run_is_parked(
    later: float, state: str, tmp_path: Path
) -> None:
    journal, clock = TestJournal(), Hands()
    ran = execute(WAITING, tmp_path, journal=journal, clock=clock)
    assert ran.state == "paused"
    assert {(wake.node, wake.due) for wake in journal.wakes.values()} == {
        ("c", 1_060.0), ("c/w", None),
    }  # fmt: skip
    clock.now += later
    again = execute(WAITING, tmp_path, journal=journal, clock=clock, resume=True)
    assert again.state == state
    if state == "completed":
        assert again.gave("c", "error")["code"] == "node.timeout"
        assert journal.wakes == {}


def test_a_called_flow_is_another_run_in_each_attempt(tmp_path: Path) -> None:
    seen.calls.clear()
    callee = flow_of(
        {"in": ("flow.input", {"name": "n"}), "x": ("e.effect", {"name": "x", "fail": 2})},
        ["in.value>x.item"],
        inputs={"n": {"type": "Json", "default": 5}},
        outputs=["x"],
    ).model_dump(mode="json")
    ran = execute(calling(**RETRY), tmp_path, flows={"c": callee})
    assert ran.state == "completed", ran.result.failure
    scopes = ["call:0", "call:0~2", "call:0~3"]
    children = [child_id("run_test", "call", scope) for scope in scopes]
    told = [event.data["child_run"] for event in ran.of("node_progress", "call")]
    assert told == children
    assert len(set(children)) == 3
    assert set(seen.calls["x.keys"]) == {idempotency_key(children[0], "x", "")}


def test_a_run_forked_from_one_that_failed_has_all_its_attempts(tmp_path: Path) -> None:
    """It goes on in the last attempt, with what that had done, and may fail as often again."""
    seen.calls.clear()
    journal = TestJournal()
    where, more = KINDS["while"]
    flow = one(*where, fail=5, **more)
    assert execute(flow, tmp_path, journal=journal).state == "failed"
    assert len(seen.calls["x.keys"]) == 3
    journal.steps = [row for row in journal.steps if row.state in ("completed", "skipped")]
    for row in journal.steps:
        row.key = "run_former" if row.kind == "retry" else row.key
    again = execute(flow, tmp_path, journal=journal, resume=True)
    assert again.state == "completed", again.result.failure
    assert [event.data["attempt"] for event in again.of("node_retrying", "c")] == [3, 4]
    assert again.of("node_started", "c")[0].data == {"attempt": 3, "attempts": 5}
