"""The debugger of `weft run`: what is typed, and what the run is told."""

import io
import threading
from pathlib import Path
from typing import Any

import pytest

from weft_engine.errors import FlowError
from weft_engine.runs.debug import Breakpoint, Command
from weft_engine.runs.outputs import OutputStore
from weft_server.cli.debugger import Debugger, read_breakpoint


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fetch", Breakpoint(node="fetch")),
        ("loop/fetch:after", Breakpoint(node="loop/fetch", when="after")),
        ("a:before:item.n > 3", Breakpoint(node="a", condition="item.n > 3")),
        ("a:item.n > 3", Breakpoint(node="a", condition="item.n > 3")),
        ("a:after:x[1:2]", Breakpoint(node="a", when="after", condition="x[1:2]")),
    ],
)
def test_breakpoints_are_read(text: str, expected: Breakpoint) -> None:
    assert read_breakpoint(text) == expected


def test_a_breakpoint_without_a_node_is_refused() -> None:
    with pytest.raises(FlowError) as caught:
        read_breakpoint(":after")
    assert caught.value.code == "run.bad_breakpoint"


class Session:
    """A run that stands at a breakpoint, and somebody who types."""

    def __init__(self, folder: Path, typed: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.told: list[Command] = []
        self.cancelled = False
        self.went_on = threading.Event()
        store = OutputStore(folder)
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        debugger = Debugger([Breakpoint(node="a")], store, "en", self.tell, self.cancel)
        debugger.start()
        values = {"item": store.value({"n": 4}).as_dict(), "text": store.value("x").as_dict()}
        stop: dict[str, Any] = {
            "type": "breakpoint_hit",
            "stop": "a@loop:1",
            "node": "a",
            "scope": "loop:1",
            "when": "before",
            "reason": "breakpoint",
            "values": values,
        }
        debugger.event(stop)
        debugger.event({"type": "run_paused", "reason": "breakpoint"})
        assert self.went_on.wait(30)
        debugger.close()

    def tell(self, command: Command) -> None:
        self.told.append(command)
        if command.kind in ("resume", "step_over", "step_into", "step_out"):
            self.went_on.set()

    def cancel(self) -> None:
        self.cancelled = True
        self.went_on.set()


AT = "a@loop:1"


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("continue\n", [Command(kind="resume")]),
        ("c\n", [Command(kind="resume")]),
        ("step\n", [Command(kind="step_over", at=AT)]),
        ("into\n", [Command(kind="step_into", at=AT)]),
        ("out\n", [Command(kind="step_out", at=AT)]),
        (
            'set item={"n": 9}\nc\n',
            [Command(kind="edit", at=AT, port="item", value={"n": 9}), Command(kind="resume")],
        ),
        ("set item=oops\nset lost=1\nset\nwhat\n\nc\n", [Command(kind="resume")]),
        (
            "break b:after\nc\n",
            [
                Command(
                    kind="breakpoints",
                    breakpoints=[Breakpoint(node="a"), Breakpoint(node="b", when="after")],
                ),
                Command(kind="resume"),
            ],
        ),
        ("", [Command(kind="breakpoints"), Command(kind="resume")]),
    ],
    ids=["continue", "c", "step", "into", "out", "set", "mistakes", "break", "no more input"],
)
def test_what_is_typed_is_told(
    typed: str, told: list[Command], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Session(tmp_path, typed, monkeypatch).told == told


def test_values_and_places_are_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Session(tmp_path, "print\np item\np lost\nwhere\nhelp\nc\n", monkeypatch)
    shown = capsys.readouterr().err
    assert shown.count('item = {"n": 4}') == 2
    assert 'text = "x"' in shown
    assert "no value lost" in shown
    assert shown.count("Stopped before a@loop:1 (breakpoint)") == 2
    assert "continue (c)" in shown


def test_quitting_cancels_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(tmp_path, "quit\n", monkeypatch)
    assert session.cancelled
    assert session.told == []
