"""Nodes that do what no node should."""

import threading
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.engine.compiler.flows import info
from weft_engine.flow.model import Flow, Node
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeContext, NodeType
from weft_engine.nodes.types import Json, Text
from weft_engine.runs.events import RunEvent
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import RunResult
from weft_engine.runs.runner import run_flow

late = threading.Event()
said = threading.Event()


class Leaves(NodeType):
    """Wants to end the process."""

    type: Literal["t.leaves"] = "t.leaves"
    info = info()

    def process(self, item: Json = None) -> Text:
        raise SystemExit(3)


class UnspeakableError(Exception):
    def __str__(self) -> str:
        raise ValueError("not even this")


class Mute(NodeType):
    """Fails with an error that cannot be described."""

    type: Literal["t.mute"] = "t.mute"
    info = info()

    def process(self, item: Json = None) -> Text:
        raise UnspeakableError


class Chatty(NodeType):
    """Goes on after its time is over."""

    type: Literal["t.chatty"] = "t.chatty"
    info = info()

    def process(self, item: Json = None, ctx: NodeContext | None = None) -> Text:
        assert ctx is not None
        late.wait(10)
        ctx.logger.info("still here")
        said.set()
        return ""


CATALOGUE = Catalogue([Leaves, Mute, Chatty])


def run(tmp_path: Path, node: Node) -> tuple[RunResult, list[RunEvent]]:
    events: list[RunEvent] = []
    result = run_flow(
        Flow(name="rude", nodes={"n": node}, edges=()),
        CATALOGUE,
        run_id="run_test",
        files=LocalFiles(tmp_path, confined=True),
        emit=events.append,
        store=OutputStore(tmp_path),
    )
    return result, events


@pytest.mark.parametrize("more", [{}, {"timeout_s": 5.0}], ids=["plain", "with a time limit"])
@pytest.mark.parametrize("kind", ["t.leaves", "t.mute"])
def test_whatever_a_node_raises_is_its_failure(tmp_path: Path, kind: str, more: Any) -> None:
    result, events = run(tmp_path, Node(type=kind, **more))

    assert result.state == "failed"
    assert result.failure is not None
    assert (result.failure["code"], result.failure["node"]) == ("node.crashed", "n")
    assert events[-1].type == "run_failed"


def test_a_node_left_behind_is_not_heard_after_the_end(tmp_path: Path) -> None:
    result, events = run(tmp_path, Node(type="t.chatty", timeout_s=0.01))
    told = len(events)
    late.set()

    assert said.wait(10)
    assert result.failure is not None
    assert result.failure["code"] == "node.timeout"
    assert [event.type for event in events[told:]] == []
