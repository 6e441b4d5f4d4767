"""What happens to a live run on the way: failures, breakpoints, a newer version of its flow."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.streaming.live import Live, flow_of
from weft_engine.errors import FlowError
from weft_engine.runs.debug import Breakpoint
from weft_engine.runs.streaming.handover import LiveRuns
from weft_engine.runs.streaming.ingress import IngressLog

QUICK = {"interval_s": 0.2, "keep": 3}
ONCE = {"max_attempts": 1}


def poisoned(on_error: str) -> dict[str, Any]:
    nodes: dict[str, Any] = {
        "rows": {"type": "data.generate", "settings": {"count": 10}},
        "split": {
            "type": "text.template",
            "settings": {"template": "{{ 12 / (item.number - 4) }}"},
            "on_error": on_error,
        },
        "write": {"type": "stream.write", "settings": {"folder": "out", "format": "text"}},
    }
    edges = ["rows.rows>split.item", "split.text>write.rows"]
    if on_error == "route":
        nodes["errors"] = {"type": "stream.write", "settings": {"folder": "errors"}}
        edges.append("split.error>errors.rows")
    return flow_of(nodes, edges, restart=ONCE)


@pytest.mark.parametrize(
    ("on_error", "lines"), [("skip", 9), ("continue", 10), ("route", 9)], ids=str
)
def test_a_poisoned_record_is_lived_with(tmp_path: Path, on_error: str, lines: int) -> None:
    live = Live(tmp_path, poisoned(on_error))
    assert live.end().type == "run_completed"
    assert len(live.parts("out").splitlines()) == lines
    ended = next(e for e in live.events if e.type == "node_completed" and e.node == "split")
    assert ended.data["failures"]["count"] == 1
    if on_error == "route":
        assert json.loads(live.parts("errors"))["item"] == {"number": 4}


def test_a_poisoned_record_fails_the_run(tmp_path: Path) -> None:
    live = Live(tmp_path, poisoned("fail"))
    end = live.end()
    assert end.type == "run_failed"
    assert end.data["failure"]["node"] == "split"
    assert "run_restarting" not in [event.type for event in live.events]


def test_a_failure_starts_it_again_until_that_is_enough(tmp_path: Path) -> None:
    nodes = {
        "rows": {"type": "data.generate", "settings": {"count": 9}},
        "text": {"type": "text.template", "settings": {"template": "n{{ item.number }}"}},
        "split": {
            "type": "text.extract",
            "settings": {"pattern": "n(?P<n>[^4])", "no_match": "fail"},
        },
    }
    edges = ["rows.rows>text.item", "text.text>split.text"]
    flow = flow_of(nodes, edges, restart={"max_attempts": 3, "delay_s": 0.01})
    live = Live(tmp_path, flow)
    assert live.end().type == "run_failed"
    again = [event.data for event in live.events if event.type == "run_restarting"]
    assert [each["attempt"] for each in again] == [2, 3]
    assert all(each["failure"]["node"] == "split" for each in again)
    assert all(each["delay_s"] > 0 for each in again)


CLOCK = {
    "clock": {"type": "stream.clock", "settings": {"every": "5ms"}},
    "key": {
        "type": "data.map",
        "settings": {"fields": [{"name": "key", "expression": "item.number % 3"}]},
    },
    "running": {"type": "stream.running", "settings": {"by": ["key"]}},
    "write": {"type": "stream.write", "settings": {"folder": "out"}},
}
WIRES = ["clock.ticks>key.rows", "key.rows>running.rows", "running.rows>write.rows"]


def test_pause_resume_and_breakpoints(tmp_path: Path) -> None:
    flow = flow_of(CLOCK, WIRES, checkpoint=QUICK)
    live = Live(tmp_path, flow)
    live.until_out("clock", "ticks", 5)
    live.tell("pause")
    assert live.until_type("run_paused").data["reason"] == "asked"
    live.tell("breakpoints", breakpoints=[Breakpoint(node="key", when="after", sample=10)])
    live.tell("resume")
    live.until_type("run_resumed")
    sample = live.until_type("node_sample")
    assert sample.node == "key"
    assert sample.data["records"][0]["number"] % 10 in range(10)
    point = Breakpoint(node="running", when="before", condition="item.number % 50 == 0")
    live.tell("breakpoints", breakpoints=[point])
    hit = live.until_type("breakpoint_hit")
    assert hit.node == "running"
    assert hit.data["values"]["rows"]["inline"]["number"] % 50 == 0
    assert live.until_type("run_paused").data["reason"] == "breakpoint"
    live.tell("resume")
    assert live.until_type("breakpoint_left").data == {"at": hit.data["at"]}
    live.until_type("run_resumed")
    live.until_type("breakpoint_hit")
    assert live.cancel().type == "run_cancelled"


def test_a_condition_that_means_nothing_for_a_record_is_refused(tmp_path: Path) -> None:
    point = Breakpoint(node="key", when="after", sample=1, condition="rows > 1")
    # One that stands there already, as runs were begun with it, never holds.
    live = Live(tmp_path, flow_of(CLOCK, WIRES, checkpoint=QUICK), breakpoints=[point])
    live.until_out("key", "rows", 5)
    with pytest.raises(FlowError) as caught:
        live.tell("breakpoints", breakpoints=[point])
    assert caught.value.code == "run.bad_breakpoint"
    live.until_out("key", "rows", 10)
    live.tell("breakpoints", breakpoints=[Breakpoint(node="key", when="after", sample=1)])
    live.until_type("node_sample")
    live.cancel()
    assert [event for event in live.events if event.type == "run_restarting"] == []


def test_a_newer_version_goes_on_with_the_state(tmp_path: Path) -> None:
    runs = LiveRuns()
    flow = flow_of(CLOCK, WIRES, checkpoint=QUICK)
    first = Live(tmp_path, flow, run_id="run_1", runs=runs)
    first.until_out("running", "rows", 30)
    newer = {**CLOCK, "more": {"type": "data.filter", "settings": {"where": "item.count > 0"}}}
    wires = [*WIRES[:2], "running.rows>more.rows", "more.rows>write.rows"]
    second = Live(
        tmp_path,
        flow_of(newer, wires, checkpoint=QUICK),
        run_id="run_2",
        runs=runs,
        continues="run_1",
    )
    end = first.end()
    assert (end.type, end.data["replaced_by"]) == ("run_completed", "run_2")
    second.until_out("running", "rows", 80)
    second.until_type("checkpoint_completed")
    second.cancel()
    counts = Counter(json.loads(line)["key"] for line in second.parts("out").splitlines())
    last = {row["key"]: row["count"] for row in map(json.loads, second.parts("out").splitlines())}
    assert counts == last
    assert sum(counts.values()) > 30


def test_state_of_nodes_that_are_gone_is_let_go_of_only_when_told(tmp_path: Path) -> None:
    runs = LiveRuns()
    first = Live(tmp_path, flow_of(CLOCK, WIRES, checkpoint=QUICK), run_id="run_1", runs=runs)
    first.until_out("running", "rows", 10)
    less = {name: node for name, node in CLOCK.items() if name != "running"}
    flow = flow_of(less, ["clock.ticks>key.rows", "key.rows>write.rows"], checkpoint=QUICK)
    refused = Live(tmp_path, flow, run_id="run_2", runs=runs, continues="run_1").end()
    assert refused.data["failure"]["code"] == "stream.state_dropped"
    assert refused.data["failure"]["params"]["nodes"] == ["running"]
    first.until_out("running", "rows", 30)
    third = Live(
        tmp_path, flow, run_id="run_3", runs=runs, continues="run_1", allow_dropped_state=True
    )
    assert first.end().type == "run_completed"
    third.until_out("key", "rows", 60)
    third.cancel()


EVENTS = {
    "hook": {"type": "trigger.webhook"},
    "pick": {"type": "text.template", "settings": {"template": "{{ item.n }}"}},
    "write": {"type": "stream.write", "settings": {"folder": "out", "format": "text"}},
}


def event(number: int) -> dict[str, Any]:
    payload = {"body": {"n": number}, "method": "POST"}
    return {"node": "hook", "event_id": f"evt_{number}", "payload": payload, "at": ""}


def test_events_are_records_each_once(tmp_path: Path) -> None:
    flow = flow_of(EVENTS, ["hook.body>pick.item", "pick.text>write.rows"], checkpoint=QUICK)
    live = Live(tmp_path, flow)
    log = IngressLog(live.places.ingress)
    assert log.append([event(1), event(2)]) == [True, True]
    assert log.append([event(2), event(3)]) == [False, True]
    live.until_out("pick", "text", 3)
    live.until_type("checkpoint_completed")
    live.cancel()
    assert log.append([event(4)]) == [True]
    second = Live(tmp_path, flow, run_id="run_2", continues="run_1")
    second.until_out("pick", "text", 4)
    second.until_type("checkpoint_completed")
    second.until_type("checkpoint_completed")
    second.cancel()
    assert second.parts("out").split() == ["1", "2", "3", "4"]
    log.close()
