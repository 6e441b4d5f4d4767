"""What trigger nodes give: the event of the run, nothing, the newest event, a sample, or advice."""

import threading
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from weft_engine.errors import NodeError
from weft_engine.flow.model import Edge, Flow, Node
from weft_engine.library.triggers_file_watch import FileWatchTrigger
from weft_engine.library.triggers_flow_ended import FlowEndedTrigger
from weft_engine.library.triggers_message import MessageTrigger
from weft_engine.library.triggers_schedule import ScheduleTrigger
from weft_engine.library.triggers_webhook import WebhookTrigger
from weft_engine.nodes.catalogue import Catalogue
from weft_engine.nodes.node_type import NodeType
from weft_engine.nodes.types import SKIP
from weft_engine.runs.context import RunScope
from weft_engine.runs.files import LocalFiles
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.run import NodeState, RunState
from weft_engine.runs.runner import run_flow

CATALOGUE = Catalogue.installed()
EVENTS: list[tuple[NodeType, dict[str, Any], dict[str, Any]]] = [
    (
        WebhookTrigger(),
        {"body": [1], "headers": {"a": "b"}, "query": {}, "method": "PUT"},
        {"body": [1], "headers": {"a": "b"}, "query": {}, "method": "PUT"},
    ),
    (
        ScheduleTrigger(),
        {"time": "2026-11-20T09:00:00+00:00", "missed": 2, "late": False},
        {"time": "2026-11-20T09:00:00+00:00", "missed": 2.0},
    ),
    (
        FileWatchTrigger(),
        {"path": "inbox/a.csv", "change": "created", "size": 3, "time": "now"},
        {"file": {"path": "inbox/a.csv", "size": 3}, "path": "inbox/a.csv", "change": "created",
         "time": "now"},
    ),
    (
        MessageTrigger(queue="orders"),
        {"message": {"n": 1}, "id": "m1", "time": "now"},
        {"message": {"n": 1}, "id": "m1", "time": "now"},
    ),
    (
        FlowEndedTrigger(flow="flw_1"),
        {"id": "run_1", "state": "failed", "outputs": {"a": {}}},
        {"run": {"id": "run_1", "state": "failed"}, "outputs": {"a": {}}, "state": "failed"},
    ),
]  # fmt: skip
NAMES = [node.type_name() for node, _, _ in EVENTS]


def context(tmp_path: Path, trigger: dict[str, Any] | None) -> Any:
    """The run, as the node `event` sees it."""
    scope = RunScope(
        run_id="test",
        files=LocalFiles(tmp_path, confined=True),
        cancel=threading.Event(),
        log=lambda node, level, line: None,
        progress=lambda node, done, total: None,
        trigger=trigger,
    )
    return scope.of("event")


@pytest.mark.parametrize(("node", "payload", "given"), EVENTS, ids=NAMES)
class TestEveryTrigger:
    def test_it_gives_its_event(self, node: Any, payload: Any, given: Any, tmp_path: Path) -> None:
        trigger = {"node": "event", "event_id": "evt_1", "payload": payload, "at": "now"}
        assert node.process(context(tmp_path, trigger))._asdict() == given

    def test_it_skips_when_another_one_fired(
        self, node: Any, payload: Any, given: Any, tmp_path: Path
    ) -> None:
        trigger = {"node": "other", "event_id": "evt_1", "payload": payload, "at": "now"}
        assert set(node.process(context(tmp_path, trigger))) == {SKIP}

    def test_a_run_by_hand_uses_the_newest_event(
        self, node: Any, payload: Any, given: Any, tmp_path: Path
    ) -> None:
        recent = {"event": {"event_id": "evt_1", "payload": payload, "at": "now"}}
        trigger = {"node": None, "recent": recent}
        assert node.process(context(tmp_path, trigger))._asdict() == given

    def test_without_any_it_says_how_to_test(
        self, node: Any, payload: Any, given: Any, tmp_path: Path
    ) -> None:
        if isinstance(node, ScheduleTrigger):
            found = node.process(context(tmp_path, None))
            assert found.time.endswith("+00:00")
            return
        for trigger in (None, {"node": None, "recent": {}}):
            with pytest.raises(NodeError) as caught:
                node.process(context(tmp_path, trigger))
            assert caught.value.code == "trigger.no_event"
            assert "sample" in caught.value.hint
            assert "arm" in caught.value.hint

    def test_an_event_with_little_in_it_is_no_error(
        self, node: Any, payload: Any, given: Any, tmp_path: Path
    ) -> None:
        trigger = {"node": "event", "event_id": "evt_1", "payload": {}, "at": "now"}
        node.process(context(tmp_path, trigger))


@pytest.mark.parametrize(
    ("when", "seconds"),
    [
        ("every 5 seconds", 5),
        ("every second", 1),
        ("Every 15 Minutes", 900),
        ("every 2hours", 7200),
        ("每 15 分钟", 900),
        ("每2小时", 7200),
        ("30 9 * * 1-5", None),
        ("0 0 L * *", None),
    ],
)
def test_schedules(when: str, seconds: int | None) -> None:
    assert ScheduleTrigger(when=when).interval_s == seconds


@pytest.mark.parametrize(
    "when",
    ["", "* * * *", "* * * * * *", "61 * * * *", "a b c d e", "0 0 31 2 *", "every 0 minutes",
     "every 5 days", "every -1 seconds", "*/0 * * * *"],
)  # fmt: skip
def test_what_is_no_schedule(when: str) -> None:
    with pytest.raises(ValidationError):
        ScheduleTrigger(when=when)


@pytest.mark.parametrize("zone", ["", "Mars", "../etc/passwd", "Europe/Nowhere"])
def test_what_is_no_time_zone(zone: str) -> None:
    with pytest.raises(ValidationError, match="time zone"):
        ScheduleTrigger(timezone=zone)


def two_triggers() -> Flow:
    text = {"template": "{{ item }}"}
    return Flow(
        name="Two",
        mode="event",
        nodes={
            "hook": Node(type="trigger.webhook"),
            "queue": Node(type="trigger.message", settings={"queue": "orders"}),
            "one": Node(type="text.template", settings=text),
            "other": Node(type="text.template", settings=text),
        },
        edges=(
            Edge(source="hook", source_port="body", target="one", target_port="item"),
            Edge(source="queue", source_port="message", target="other", target_port="item"),
        ),
    )


def go(root: Path, trigger: dict[str, Any] | None) -> Any:
    return run_flow(
        two_triggers(),
        CATALOGUE,
        run_id="test",
        files=LocalFiles(root, confined=True),
        emit=lambda event: None,
        store=OutputStore(root / "store"),
        trigger=trigger,
    )


def test_in_a_run_only_the_way_of_the_fired_trigger_is_taken(tmp_path: Path) -> None:
    trigger = {"node": "queue", "event_id": "evt_1", "payload": {"message": "hello"}, "at": "now"}
    result = go(tmp_path, trigger)
    assert result.state == RunState.COMPLETED
    assert result.nodes["one"].state == NodeState.SKIPPED
    assert result.outputs["other"]["text"]["value"] == "hello"


def test_a_run_by_hand_without_event_fails_with_advice(tmp_path: Path) -> None:
    result = go(tmp_path, None)
    assert result.state == RunState.FAILED
    assert result.failure is not None
    assert result.failure["code"] == "trigger.no_event"
