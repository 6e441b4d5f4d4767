"""`weft run` says what a run waits for, and how it is answered."""

import argparse
import shlex
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.server.cli.weft import start, weft, weft_here
from weft_server.cli.waits import MOST, Waits

ASK = """\
format: weft/1
name: Ask
inputs:
  n: {type: Json, default: 80}
nodes:
  n: {type: flow.input, settings: {name: n}}
  ask: {type: control.approval, name: Ask them, settings: {message: "Refund {{ item }}?"}}
  yes: {type: text.template, settings: {template: "yes {{ item }}"}}
edges:
  - {source: n, source_port: value, target: ask, target_port: item}
  - {source: ask, source_port: approved, target: yes, target_port: item}
"""
NOW = 1_000_000_000.0


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ask.yaml").write_text(ASK)
    return tmp_path


@pytest.mark.parametrize(
    ("lang", "options", "said", "how"),
    [
        ("en", [], "Ask them waits for an answer: Refund 80?", "--data DIR"),
        ("zh", ["--json"], "Ask them 在等待答复：Refund 80?", "加上 --data DIR"),
    ],
)
def test_a_run_that_is_not_kept(
    folder: Path, lang: str, options: list[str], said: str, how: str
) -> None:
    process = start("run", "ask.yaml", "--lang", lang, *options, cwd=folder)
    assert process.stderr is not None
    lines: list[str] = []
    for line in process.stderr:
        lines.append(line)
        if "--resume RUN" in line:
            break
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert said in "".join(lines)
    assert how in lines[-1]
    assert "ask={" in lines[-1]


def test_the_command_that_is_said_answers_it(folder: Path) -> None:
    left = weft("run", "ask.yaml", "--data", "kept", "--json", cwd=folder)
    assert left.code == 3, left.err
    (wait,) = left.json()["waits"]
    assert (left.json()["state"], wait["node"], wait["message"]) == ("paused", "ask", "Refund 80?")
    assert f"  Answer it: {wait['answer']}" in left.err.splitlines()
    words = shlex.split(wait["answer"])
    ended = weft_here(*words[1:], "--json", cwd=folder)
    assert ended.json()["outputs"]["yes"]["text"]["value"] == "yes 80"
    assert "waits for" not in ended.err


def event(kind: str, **more: Any) -> dict[str, Any]:
    data = {"kind": kind, "due": None, "signal": None, "message": "", "data": None}
    return {"type": "node_waiting", "node": "a", "scope": "", **data, **more}


def waits(*given: str, data: Path | None = None) -> Waits:
    args = argparse.Namespace(signal=list(given), data=data, file="f.yaml")
    return Waits(args, "run_1", "en")


@pytest.mark.parametrize(
    ("told", "first", "command"),
    [
        (event("approval", message="Go\non?"), "⏸ A waits for an answer: Go on?",
         """'a={"approved": true}'"""),
        (event("approval", scope="loop:3", node="loop/a"), "⏸ A waits for an answer: ",
         """'loop/a@loop:3={"approved": true}'"""),
        (event("signal", signal="go"), "⏸ A waits for the signal go", "go=VALUE"),
        (event("signal", signal="go", due=NOW + 60), "⏸ A waits for the signal go; until 2001-",
         "go=VALUE"),
        (event("timer", due=NOW + 60), "⏸ A waits until 2001-", None),
    ],
    ids=["approval", "in a loop", "signal", "signal with a limit", "timer"],
)  # fmt: skip
def test_what_is_said(told: dict[str, Any], first: str, command: str | None) -> None:
    lines = waits(data=Path("kept dir")).lines(told, "A", NOW)
    assert lines[0].startswith(first)
    if command is None:
        assert len(lines) == 1
    else:
        kept = f"weft run f.yaml --data 'kept dir' --resume run_1 --signal {command}"
        assert lines[1] == f"  Answer it: {kept}"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], event("timer", due=NOW + 1)),
        (["go=1"], event("signal", signal="go")),
        (["a"], event("approval")),
        (["a@loop:1"], event("approval", scope="loop:1")),
    ],
    ids=["over soon", "signal given", "answer given", "answer given in a loop"],
)
def test_what_needs_no_word(given: list[str], told: dict[str, Any]) -> None:
    assert waits(*given).lines(told, "A", NOW) == []


def test_no_more_than_anybody_reads() -> None:
    found = waits()
    lines = [found.lines(event("approval", scope=f"l:{n}"), "A", NOW) for n in range(3 * MOST)]
    assert [len(some) for some in lines] == [2] * MOST + [1] + [0] * (2 * MOST - 1)
    assert found.lines(event("approval", scope="l:0"), "A", NOW) == []
    assert len(found.listed()) == 3 * MOST
