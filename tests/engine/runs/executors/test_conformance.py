"""Every kind of unit gives and tells the same in every environment."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.engine.runs.engine.harness import Ran, flow_of
from tests.engine.runs.executors.harness import execute
from tests.engine.runs.executors.nodes import catalogue
from weft_engine.flow.model import Flow
from weft_engine.runs.executors.remote_crew import Crew

RETRY = {"retry": {"max_attempts": 2, "delay_s": 0}}


def numbers(*more: str, **nodes: Any) -> Flow:
    return flow_of({"n": "e.numbers", **nodes}, list(more), outputs=sorted(nodes))


FLOWS: dict[str, Flow] = {
    "a stretch": numbers("n.out>t.item", "t.out>u.item", t="e.times", u=("e.times", {"by": 10})),
    "a stretch with gaps": flow_of(
        {"s": "t.texts", "i": "t.if", "p": "t.pair"},
        ["s.out>i.text", "s.out>p.a", "i.yes>p.b"],
        outputs=["p"],
    ),
    "a stretch on values": flow_of(
        {"w": "t.word", "c": "t.cut", "k": "t.count"},
        ["w.out>c.text", "c.out>k.rows"],
        outputs=["k"],
    ),
    "a blocking call": flow_of({"w": "t.word", "x": "x.length"}, ["w.out>x.item"], outputs=["x"]),
    "a call of what waits": flow_of(
        {"w": "t.word", "x": "t.wait"}, ["w.out>x.text"], outputs=["x"]
    ),
    "calls for records": numbers("n.out>b.item", "b.out>t.item", b="e.io", t="e.times"),
    "calls with effects": numbers("n.out>b.item", b=("e.effect", {"name": "conform"})),
    "a failing stretch": numbers("n.out>b.item", b="e.bad"),
    "failures left out": numbers("n.out>b.item", b=("e.bad", {}, {"on_error": "skip"})),
    "failures sent on": numbers(
        "n.out>b.item", "b.error>t.item", b=("e.bad", {}, {"on_error": "route"}), t="e.io"
    ),
    "a failing call": flow_of(
        {"v": ("t.value", {"value": 5}), "x": "x.length"}, ["v.out>x.item"], outputs=["x"]
    ),
    "a failing call, again": flow_of(
        {"v": ("t.value", {"value": 5}), "x": ("x.length", {}, RETRY)},
        ["v.out>x.item"],
        outputs=["x"],
    ),
    "a loop": flow_of(
        {
            "v": ("t.value", {"value": [1, 2, 3]}),
            "l": "control.for_each",
            "b": ("e.io", {}, {"parent": "l"}),
            "t": ("e.times", {}, {"parent": "l"}),
        },
        ["v.out>l.items", "l.item>b.item", "b.out>t.item", "t.out>l.result"],
        outputs=["l"],
    ),
    "what it says": flow_of({"x": "x.speaks"}, [], outputs=["x"]),
}


def told(ran: Ran) -> dict[str, Any]:
    """What does not depend on where it happened."""
    counted = Counter(
        (event.type, event.node) for event in ran.events if event.type != "node_progress"
    )
    logged = sorted(
        (event.node or "", event.data["level"], event.data["message"]) for event in ran.of("log")
    )
    failure = ran.result.failure
    return {
        "state": ran.state,
        "outputs": ran.outputs,
        "nodes": ran.states(),
        "counts": ran.result.counts if failure is None else None,
        "attempts": {name: node.attempts for name, node in ran.result.nodes.items()},
        "events": counted,
        "log": logged,
        "failure": failure,
    }


@pytest.mark.parametrize("name", FLOWS)
def test_units_give_and_tell_the_same(name: str, crew: Crew, tmp_path: Path) -> None:
    here = execute(None, FLOWS[name], catalogue(), tmp_path / "here")
    far = crew.room.name == "ray"
    there = execute(crew, FLOWS[name], catalogue(), tmp_path / "there", shared_disk=not far)
    assert told(there) == told(here)
