"""Runs that are killed and go on: nothing that has ended runs again, effects keep their keys."""

from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.engine.harness import TestJournal, execute, flow_of, seen
from weft_engine.flow.model import Flow
from weft_engine.runs.journal.errors import JournalError


def inside(parent: str, kind: str, **settings: Any) -> Any:
    return (kind, settings, {"parent": parent})


def effect(name: str, **more: Any) -> Any:
    return ("e.effect", {"name": name, **more})


FLOWS: dict[str, Flow] = {
    "calls": flow_of(
        {
            "v": ("t.value", {"value": 1}),
            "a": effect("a"),
            "b": effect("b"),
            "c": effect("c"),
            "d": ("e.effect", {"name": "d", "fail": 1}, {"retry": {"delay_s": 0}}),
            "skip": ("t.if", {"when": "x"}),
            "w": "t.word",
            "gone": "t.upper",
        },
        ["v.out>a.item", "a.out>b.item", "a.out>c.item", "c.out>d.item", "w.out>skip.text",
         "skip.yes>gone.text"],
        outputs=["b", "d"],
    ),
    "each record": flow_of(
        {"n": "e.numbers", "a": effect("a"), "b": effect("b"), "all": "t.count"},
        ["n.out>a.item", "a.out>b.item", "b.out>all.rows"],
        outputs=["b", "all"],
    ),
    "a loop": flow_of(
        {
            "n": "e.numbers",
            "loop": ("control.for_each", {"concurrency": 2}),
            "a": inside("loop", "e.effect", name="a"),
            "try": inside("loop", "control.try"),
            "x": inside("try", "e.bad"),
            "b": inside("try", "e.effect", name="b"),
            "end": effect("end"),
        },
        ["n.out>loop.items", "loop.item>a.item", "a.out>try.item", "try.item>x.item",
         "x.out>try.result", "try.error>b.item", "try.result>loop.result", "b.out>try.caught",
         "loop.results>end.item"],
        outputs=["end"],
    ),
    "a while": flow_of(
        {
            "v": ("t.value", {"value": 0}),
            "loop": ("control.while", {"condition": "index < 4", "max_iterations": 9}),
            "a": inside("loop", "e.effect", name="a"),
        },
        ["v.out>loop.initial", "loop.state>a.item", "a.out>loop.next"],
        outputs=["loop"],
    ),
}  # fmt: skip


def plain(outputs: dict[str, dict[str, Any]]) -> Any:
    return {
        node: {port: kept.get("value", kept.get("records")) for port, kept in ports.items()}
        for node, ports in outputs.items()
    }


def keys() -> dict[str, list[str]]:
    return {name: calls for name, calls in seen.calls.items() if name.endswith(".keys")}


@pytest.mark.parametrize("name", FLOWS)
def test_killed_after_every_row(name: str, tmp_path: Path) -> None:
    flow = FLOWS[name]
    seen.calls.clear()
    whole = TestJournal()
    wanted = execute(flow, tmp_path, journal=whole)
    assert wanted.result.failure is None
    once = {effect: set(found) for effect, found in keys().items()}
    rows = len(whole.steps)
    assert rows > 4
    assert whole.status == "completed"
    for most in range(rows):
        seen.calls.clear()
        journal = TestJournal(most)
        with pytest.raises(JournalError):
            execute(flow, tmp_path, journal=journal)
        done = {
            (row.node, row.scope)
            for row in journal.steps
            if row.kind == "node" and row.state == "completed"
        }
        journal._most, journal._dead = None, False
        ran = execute(flow, tmp_path, journal=journal, resume=True)
        assert ran.result.failure is None, most
        assert plain(ran.outputs) == plain(wanted.outputs), most
        assert {effect: set(found) for effect, found in keys().items()} == once, most
        again = [
            (row.node, row.scope)
            for row in journal.steps[most:]
            if row.kind == "node" and row.state == "completed"
        ]
        assert not done.intersection(again), most
        told = {
            (e.node, e.data.get("scope", ""))
            for e in ran.of("node_completed")
            if e.data.get("restored")
        }
        assert told <= {(node, scope.partition("#")[0]) for node, scope in done}, most


@pytest.mark.parametrize("name", ["calls", "each record"])
def test_what_had_ended_is_told_again(name: str, tmp_path: Path) -> None:
    flow = FLOWS[name]
    seen.calls.clear()
    journal = TestJournal()
    wanted = execute(flow, tmp_path, journal=journal)
    seen.calls.clear()
    ran = execute(flow, tmp_path, journal=journal, resume=True, last_seq=50)
    assert seen.calls == {}
    assert ran.state == "completed"
    assert plain(ran.outputs) == plain(wanted.outputs)
    assert ran.events[0].seq == 51
    assert ran.types()[0] == "run_resumed"
    assert all(event.data.get("restored") for event in ran.of("node_completed"))
    if name == "calls":
        assert ran.result.nodes["gone"].state == "skipped"


def test_an_attempt_that_was_begun_counts(tmp_path: Path) -> None:
    flow = flow_of({"v": ("t.value", {"value": 1}), "a": effect("a")}, ["v.out>a.item"])
    seen.calls.clear()
    journal = TestJournal(2)
    with pytest.raises(JournalError):
        execute(flow, tmp_path, journal=journal)
    assert [(row.node, row.state) for row in journal.steps] == [
        ("v", "completed"),
        ("a", "started"),
    ]
    journal._most, journal._dead = None, False
    execute(flow, tmp_path, journal=journal, resume=True)
    assert journal.steps[-1].attempt == 2
    assert len(set(seen.calls["a.keys"])) == 1


def test_nothing_starts_before_the_row_is_on_disk(tmp_path: Path) -> None:
    """With `sync`, what follows waits; the journal answers when it likes."""

    class Slow(TestJournal):
        def record(self, row: Any, then: Any = None) -> None:
            self.steps.append(row)
            told.append(("row", row.node))
            if then is not None:
                then()

    told: list[tuple[str, str]] = []
    flow = flow_of(
        {"v": ("t.value", {"value": 1}), "a": "e.io", "b": "e.io"},
        ["v.out>a.item", "a.out>b.item"],
    )

    def heard(event: Any) -> None:
        if event.type == "node_started":
            told.append(("start", event.node))

    execute(flow, tmp_path, journal=Slow(), heard=heard)
    assert told.index(("row", "a")) < told.index(("start", "b"))


def test_what_went_by_before_counts_to_what_it_took(tmp_path: Path) -> None:
    """By the clock; the rows of a run that another is forked from are not its own."""
    flow = flow_of({"v": ("t.value", {"value": 1}), "a": effect("a")}, ["v.out>a.item"])
    journal = TestJournal()
    execute(flow, tmp_path, journal=journal)
    for row in journal.steps:
        row.started, row.ended = row.started and row.started - 60, row.ended - 60
    again = execute(flow, tmp_path, journal=journal, resume=True)
    assert again.result.duration_ms >= 60_000
    assert again.of("run_completed")[0].data["duration_ms"] == again.result.duration_ms
    forked = execute(flow, tmp_path, journal=journal, resume=True, forked_from="run_other")
    assert forked.result.duration_ms < again.result.duration_ms
