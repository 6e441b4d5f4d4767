"""Values that are replaced at a stop: which fit, what the run sees, what is shown and kept."""

from pathlib import Path
from typing import Any, Literal

import pytest

from tests.engine.compiler.flows import info
from tests.engine.runs.engine import harness
from tests.engine.runs.engine.debugged import ASKED, FLOWS, GO, after, before, debug, edit, inside
from tests.engine.runs.engine.harness import TestJournal, flow_of, seen
from weft_engine.nodes.node_type import NodeType
from weft_engine.nodes.port_type import parse
from weft_engine.nodes.types import Row, Text
from weft_engine.runs.debug import Breakpoint, Command
from weft_engine.runs.engine.clock import Clock
from weft_engine.runs.engine.debugging_values import misfit
from weft_engine.runs.journal.rows import newest

EDITS: list[tuple[str, str, Breakpoint, str, str, Any, dict[str, Any]]] = [
    ("an input", "values", before("a"), "a@", "item", 10, {"c": 40}),
    ("an output", "values", after("a"), "a@", "out", 10, {"c": 20}),
    ("an input of a thread", "values", before("b"), "b@", "item", 7, {"c": 14}),
    ("an output of a thread", "values", after("b"), "b@", "out", 7, {"c": 14}),
    ("one record's input", "streams", before("light", "index == 1"), "light@#1", "item", 50,
     {"last": [4, 200, 12]}),
    ("one record's output", "streams", after("heavy", "index == 2"), "heavy@#2", "out", 1,
     {"last": [4, 8, 2]}),
    ("a stream's input", "streams", before("keep"), "keep@", "rows", [5, 6],
     {"last": [10, 12], "all": [2]}),
    ("a stream's output", "streams", after("keep"), "keep@", "out", [9],
     {"last": [18], "all": [1]}),
    ("a container's input", "loops", before("loop"), "loop@", "items", [8], {"end": [16]}),
    ("a container's output", "loops", after("loop"), "loop@", "results", [8], {"end": [8]}),
    ("one iteration", "loops", before("loop/x", "index == 0"), "loop/x@loop:0", "item", 20,
     {"end": [40, None, 6]}),
    ("a call's input", "calls", before("call"), "call@", "item", 5, {"z": 50}),
    ("in a call", "calls", after("call/x"), "call/x@call:0", "out", 5, {"z": 5}),
    ("a call's output", "calls", after("call"), "call@", "result", 5, {"z": 5}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "flow", "point", "at", "port", "value", "outputs"), EDITS, ids=[e[0] for e in EDITS]
)
def test_the_run_goes_on_with_the_new_value(
    name: str,
    flow: str,
    point: Breakpoint,
    at: str,
    port: str,
    value: Any,
    outputs: dict[str, Any],
    tmp_path: Path,
) -> None:
    found = debug(
        FLOWS[flow], tmp_path, point, say=[[edit(at, port, value), GO]], **ASKED.get(flow, {})
    )
    assert found.refused == []
    assert found.hits == [f"{point.when} {at}"]
    shown = found.told[1]
    assert (shown.data["edited"], shown.data["at"]) == ([port], at)
    assert found.values(1)[port] == value
    for node, wanted in outputs.items():
        port_of = "result" if node == "call" else "out"
        given = found.ran.gave(node, port_of)
        if isinstance(given, list) and isinstance(wanted, list):
            given = [None if isinstance(one, dict) else one for one in given]
        assert given == wanted, node


@pytest.mark.parametrize("edited_before", [False, True], ids=["now", "after a crash"])
@pytest.mark.parametrize(
    ("name", "flow", "point", "at", "port", "value", "outputs"), EDITS, ids=[e[0] for e in EDITS]
)
def test_a_crash_does_not_lose_it(
    name: str,
    flow: str,
    point: Breakpoint,
    at: str,
    port: str,
    value: Any,
    outputs: dict[str, Any],
    edited_before: bool,
    tmp_path: Path,
) -> None:
    """The process dies while the run stands, before or after the value was replaced."""
    more = ASKED.get(flow, {})
    journal = TestJournal()

    def die(found: Any) -> None:
        if edited_before:
            found.say(edit(at, port, value))
            found.control.box.put((found.crash,))
        else:
            found.crash()

    debug(FLOWS[flow], tmp_path, point, say=die, journal=journal, **more)
    rows = [row for row in journal.steps if row.kind == "stop" and row.variables["standing"]]
    assert rows
    say = [GO] if edited_before else [[edit(at, port, value), GO]]
    again = debug(
        FLOWS[flow], tmp_path, point, say=say, journal=journal, resume=True, last_seq=99, **more
    )
    assert again.hits == [f"{point.when} {at}"]
    assert again.told[-1].data["edited"] == [port]
    assert again.told[0].data["hit"] == 1
    assert again.ran.state == "completed"
    for node, wanted in outputs.items():
        given = again.ran.gave(node, "result" if node == "call" else "out")
        if isinstance(given, list) and isinstance(wanted, list):
            given = [None if isinstance(one, dict) else one for one in given]
        assert given == wanted, node
    assert not [
        row for row in newest(journal.steps) if row.kind == "stop" and row.variables.get("standing")
    ]


FITS: list[tuple[str, Any, bool]] = [
    ("Text", "a", True), ("Text", 1, False), ("Number", 1, True), ("Number", 1.5, True),
    ("Number", True, False), ("Number", "1", False), ("Bool", False, True), ("Bool", 0, False),
    ("Date", "2026-01-31", True), ("Date", "soon", False), ("Row", {"a": 1}, True),
    ("Row", [1], False), ("Json", None, True), ("Any", [1], True), ("T", 3, True),
    ("Document", {"text": "a"}, True), ("Document", {"body": "a"}, False),
    ("Message", {"role": "user", "content": "a"}, True), ("Message", {"role": "user"}, False),
    ("Embedding", [0.1, 1], True), ("Embedding", ["a"], False), ("list[Text]", ["a"], True),
    ("list[Text]", ["a", 1], False), ("list[Text]", "a", False), ("Optional[Number]", None, True),
    ("Optional[Number]", "a", False), ("Stream[Row]", [{"a": 1}], True),
    ("Stream[Row]", {"a": 1}, False), ("File", {"path": "a"}, True), ("Html", "<p>", True),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "good"), FITS, ids=[f"{k} {v!r}" for k, v, _ in FITS])
def test_which_values_fit(kind: str, value: Any, good: bool) -> None:
    assert (misfit(value, parse(kind)) == "") is good


WRONG: list[tuple[Breakpoint, str, str, Any, str]] = [
    (before("a"), "a@", "item", "ten", "run.bad_value"),
    (before("a"), "a@", "items", 1, "run.no_such_port"),
    (before("a"), "b@", "item", 1, "run.not_stopped"),
    (after("a"), "a@", "out", None, "run.bad_value"),
]


@pytest.mark.parametrize(("point", "at", "port", "value", "code"), WRONG, ids=[w[4] for w in WRONG])
def test_what_does_not_fit_is_refused(
    point: Breakpoint, at: str, port: str, value: Any, code: str, tmp_path: Path
) -> None:
    found = debug(FLOWS["values"], tmp_path, point, say=[[edit(at, port, value), GO]])
    assert [error.code for error in found.refused] == [code]
    assert all(error.hint for error in found.refused)
    assert found.ran.gave("c") == 8


class Login(NodeType):
    """Gives what nobody is to see."""

    type: Literal["d.login"] = "d.login"
    info = info()

    def process(self) -> Row:
        return {"user": "ada", "password": "s3cret", "more": [{"api_key": "k"}]}


class Uses(NodeType):
    """Needs what nobody is to see."""

    type: Literal["d.uses"] = "d.uses"
    info = info()

    def process(self, row: Row) -> Text:
        seen.note("uses", row)
        return str(row["user"])


def test_secrets_are_not_shown_and_not_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = type(harness.catalogue())([*harness.catalogue(), Login, Uses])
    monkeypatch.setattr(harness, "catalogue", lambda: known)
    seen.calls.clear()
    flow = flow_of({"l": "d.login", "u": "d.uses"}, ["l.out>u.row"])
    new = {"user": "bob", "password": "•••", "more": [{"api_key": "•••"}]}
    found = debug(flow, tmp_path, before("u"), say=[[edit("u@", "row", new), GO]])
    assert found.values(0)["row"] == {**new, "user": "ada"}
    assert "s3cret" not in str([event.data for event in found.told])
    assert seen.calls["uses"] == [{"user": "bob", "password": "s3cret", "more": [{"api_key": "k"}]}]


EFFECTS = flow_of(
    {
        "n": "e.numbers",
        "a": ("e.effect", {"name": "a"}),
        "loop": ("control.for_each", {"concurrency": 2}),
        "b": inside("loop", "e.effect", name="b"),
        "c": inside("loop", "e.effect", name="c"),
        "d": ("e.effect", {"name": "d"}),
    },
    ["n.out>a.item", "a.out>loop.items", "loop.item>b.item", "b.out>c.item", "c.out>loop.result",
     "loop.results>d.item"],
    outputs=["d"],
)  # fmt: skip


@pytest.mark.parametrize("point", [after("a"), before("a"), after("loop/b"), before("loop/c"),
                                   after("loop"), before("d"), after("d")], ids=str)  # fmt: skip
def test_effects_happen_once_however_often_it_crashes_while_it_stands(
    point: Breakpoint, tmp_path: Path
) -> None:
    seen.calls.clear()
    journal = TestJournal()
    hits: list[str] = []
    resume = False
    for _ in range(40):
        pauses: list[int] = []

        def say(found: Any, pauses: list[int] = pauses, fresh: bool = not resume) -> Any:
            pauses.append(1)
            hits.extend(hit for hit in found.hits if hit not in hits)
            if len(pauses) == 1 and not fresh:
                return GO  # where it stood it stands again, and then it goes on
            found.crash()
            return None

        found = debug(EFFECTS, tmp_path, point, say=say, journal=journal, resume=resume)
        resume = True
        if hasattr(found, "ran"):
            break
    assert found.ran.state == "completed"
    assert found.ran.gave("d") == [1, 2, 3]
    assert len(hits) == (1 if point.node == "loop" else 3)
    for name in "abcd":
        keys = seen.calls[f"{name}.keys"]
        assert len(keys) == len(set(keys)) == 3, name


def test_what_was_set_meanwhile_and_counted_is_known_after_a_crash(tmp_path: Path) -> None:
    journal = TestJournal()
    points = [after("b"), before("a", "item > 99"), before("c", once=True)]

    def say(found: Any) -> Any:
        if found.hits[-1] == "before a@":
            return [Command(kind="breakpoints", breakpoints=points), GO]
        found.crash()
        return None

    first = debug(FLOWS["values"], tmp_path, before("a"), say=say, journal=journal)
    assert first.hits == ["before a@", "after b@"]
    again = debug(FLOWS["values"], tmp_path, before("a"), journal=journal, resume=True)
    assert again.hits == ["after b@", "before c@"]
    assert again.ran.gave("c") == 8


def test_a_run_that_stands_for_long_is_left_to_the_journal(tmp_path: Path) -> None:

    class Fast(Clock):
        ahead = 0.0

        def monotonic(self) -> float:
            return super().monotonic() + self.ahead

    clock, journal = Fast(), TestJournal()

    def wait(found: Any) -> None:
        clock.ahead += 601
        found.control.wake()

    left = debug(FLOWS["values"], tmp_path, before("b"), say=wait, journal=journal, clock=clock)
    assert (left.ran.state, left.ran.result.stands) == ("paused", True)
    assert journal.status == "paused"
    again = debug(FLOWS["values"], tmp_path, before("b"), journal=journal, resume=True,
                  begin=[Command(kind="pause"), edit("b@", "item", 1), GO])  # fmt: skip
    assert again.hits == ["before b@"]
    assert again.ran.gave("c") == 2
