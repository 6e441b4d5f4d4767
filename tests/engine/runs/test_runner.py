"""What a run tells: events, states, counts, failures, parts of flows, what is kept."""

import threading
from pathlib import Path
from typing import Any

import pytest

from tests.engine.compiler.flows import Ran, flow_of, given, released, run, seen
from weft_engine.errors import CODES
from weft_engine.runs import tracker
from weft_engine.runs.events import RUN_ENDS, RunEvent
from weft_engine.runs.outputs import OutputStore
from weft_engine.runs.pace import OFTEN_S
from weft_engine.runs.run import RunState

UPPER = flow_of({"s": "t.texts", "up": "t.upper"}, ["s.out>up.text"])


def check_story(ran: Ran) -> None:
    """What holds for the events of every run."""
    assert [event.seq for event in ran.events] == list(range(1, len(ran.events) + 1))
    assert all(event.run == "run_test" for event in ran.events)
    assert ran.events[-1].type in RUN_ENDS
    assert sum(event.type in RUN_ENDS for event in ran.events) == 1
    ends = {"node_completed", "node_failed", "node_skipped", "node_cancelled"}
    for node in ran.result.nodes:
        types = ran.types(node)
        assert sum(kind in ends for kind in types) <= 1
        if "node_started" in types:
            assert types[0] == "node_started" or types[0] == "log"
            assert any(kind in ends for kind in types)
        for place, kind in enumerate(types):
            assert kind not in ends or place == len(types) - 1, types
    assert all(RunEvent.from_dict(event.as_dict()) == event for event in ran.events)


def test_a_run_tells_its_story(tmp_path: Path) -> None:
    ran = run(UPPER, tmp_path)
    check_story(ran)
    assert ran.types()[0] == "run_started"
    assert ran.events[0].data == {"nodes": ["s", "up"]}
    assert [kind for kind in ran.types("up") if kind != "node_progress"] == [
        "node_started",
        "node_output",
        "node_completed",
    ]
    output = ran.of("node_output", "up")[0].data
    assert (output["port"], output["type"], output["count"]) == ("out", "Stream[Text]", 3)
    done = ran.of("node_completed", "up")[0].data
    assert done["counts"] == {"in": 3, "out": {"out": 3}}
    assert done["inputs"] == {"text": [{"source": "s", "source_port": "out"}]}
    assert done["duration_ms"] >= 0
    assert ran.result.counts == {
        "s": {"in": 0, "out": {"out": 3}},
        "up": {"in": 3, "out": {"out": 3}},
    }
    assert ran.result.outputs == {
        "up": {"out": {"kind": "records", "count": 3, "records": ["A", "B", "C"], "offset": 0,
                       "truncated": False}}
    }  # fmt: skip


def test_outputs_are_those_of_marked_nodes(tmp_path: Path) -> None:
    flow = flow_of({"s": "t.texts", "up": "t.upper"}, ["s.out>up.text"], outputs=["s"])
    assert set(run(flow, tmp_path).result.outputs) == {"s"}


def test_what_a_node_without_outputs_is_given_can_be_looked_at(tmp_path: Path) -> None:
    ran = run(flow_of({"s": "t.texts", "e": "t.ends"}, ["s.out>e.text"]), tmp_path)
    assert given(ran, "e", "view") == ["a", "b", "c"]


# Failing


def test_a_failing_node_fails_the_run(tmp_path: Path) -> None:
    flow = flow_of(
        {"s": "t.texts", "bad": "t.check", "n": "t.count", "after": "t.keep"},
        ["s.out>bad.text", "bad.out>n.rows", "n.out>after.rows"],
    )
    ran = run(flow, tmp_path, batch_size=1)
    check_story(ran)
    assert ran.state == "failed"
    states = ran.states()
    assert (states["bad"], states["n"], states["after"]) == ("failed", "cancelled", "idle")
    failure = ran.result.failure
    assert failure is not None
    assert (failure["code"], failure["node"], failure["sample"]) == ("node.crashed", "bad", "b")
    assert failure["chain"][0]["type"] == "ValueError"
    assert ran.of("node_failed", "bad")[0].data["failure"] == failure
    assert ran.events[-1].data["never_ran"] == ["after"]
    assert ran.events[-1].data["failure"] == failure


def test_what_a_failed_node_was_given_can_be_looked_at(tmp_path: Path) -> None:
    flow = flow_of({"s": "t.texts", "bad": "t.check"}, ["s.out>bad.text"])
    ran = run(flow, tmp_path, batch_size=1)
    kept = ran.result.nodes["s"].outputs["out"]
    assert OutputStore(tmp_path).read(kept)["records"] == ["a", "b"]
    assert kept.get("partial") is True
    assert ran.result.nodes["bad"].inputs == {"text": [{"source": "s", "source_port": "out"}]}


def test_a_node_that_cannot_be_set_up_fails_the_run(tmp_path: Path) -> None:
    flow = flow_of({"s": "t.texts", "x": "t.breaks"}, ["s.out>x.rows"])
    ran = run(flow, tmp_path)
    assert ran.state == "failed"
    assert ran.result.failure is not None
    assert (ran.result.failure["node"], ran.result.failure["message"]) == ("x", "cannot be built")
    assert ran.of("node_failed")[0].node == "x"


@pytest.mark.parametrize(
    ("flow", "more", "code"),
    [
        (flow_of({"a": "t.nothing"}, []), {}, "flow.invalid"),
        (flow_of({"a": "t.upper"}, []), {}, "flow.invalid"),
        (UPPER, {"from_node": "gone"}, "run.unknown_node"),
        (UPPER, {"to_node": "gone"}, "run.unknown_node"),
        (UPPER, {"env": "mars"}, "run.unknown_env"),
        (UPPER, {"inputs": {"city": "x"}}, "run.unknown_input"),
    ],
    ids=["unknown type", "missing input", "from", "to", "env", "input"],
)
def test_what_cannot_begin_fails_with_a_reason(
    flow: Any, more: dict[str, Any], code: str, tmp_path: Path
) -> None:
    ran = run(flow, tmp_path, **more)
    assert ran.state == "failed"
    assert ran.types() == ["run_failed"]
    failure = ran.result.failure
    assert failure is not None
    assert failure["code"] == code
    assert failure["hint"]
    assert code in CODES


def test_problems_of_nodes_that_do_not_run_do_not_matter(tmp_path: Path) -> None:
    flow = flow_of({"s": "t.texts", "up": "t.upper", "lost": "t.upper"}, ["s.out>up.text"])
    assert run(flow, tmp_path).state == "failed"
    assert run(flow, tmp_path, to_node="up").state == "completed"


def test_a_full_disk_fails_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    texts = ["x" * 1000] * 200
    flow = flow_of(
        {"s": ("t.texts", {"texts": texts}), "up": "t.upper", "re": "t.rerank"},
        ["s.out>up.text", "up.out>re.found"],
    )
    ran = run(flow, tmp_path, batch_size=10)
    check_story(ran)
    assert ran.state == "failed"
    assert ran.result.failure is not None
    assert ran.result.failure["code"] == "run.output_unsaved"


def test_a_mistake_of_the_engine_is_a_failure_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: Any) -> None:
        raise KeyError("lost")

    monkeypatch.setattr("weft_engine.runs.executors.stretch.make_plan", broken)
    ran = run(UPPER, tmp_path)
    assert ran.state == "failed"
    assert ran.result.failure is not None
    assert (ran.result.failure["code"], ran.result.failure["node"]) == ("kernel.internal", None)
    assert ran.result.failure["chain"][1]["type"] == "KeyError"


# Cancelling


def test_cancelling_ends_the_run(tmp_path: Path) -> None:
    cancel = threading.Event()

    def heard(event: RunEvent) -> None:
        if event.type == "node_started" and event.node == "slow":
            cancel.set()

    flow = flow_of(
        {"s": "t.texts", "slow": "t.slow", "n": "t.count", "z": "t.keep"},
        ["s.out>slow.text", "slow.out>n.rows", "n.out>z.rows"],
    )
    ran = run(flow, tmp_path, cancel=cancel, heard=heard)
    check_story(ran)
    assert ran.state == "cancelled"
    assert ran.types()[-1] == "run_cancelled"
    states = ran.states()
    assert (states["slow"], states["z"]) == ("cancelled", "idle")
    assert not released.is_set()


def test_a_run_cancelled_before_it_begins_does_nothing(tmp_path: Path) -> None:
    seen.calls.clear()
    cancel = threading.Event()
    cancel.set()
    ran = run(flow_of({"w": "t.word", "n": "t.life"}, ["w.out>n.text"]), tmp_path, cancel=cancel)
    assert ran.state == "cancelled"
    assert seen.calls == {}


# Parts of a flow

PARTS = flow_of(
    {"s": "t.texts", "up": "t.upper", "k": "t.keep", "n": "t.count", "side": "t.word"},
    ["s.out>up.text", "up.out>k.rows", "k.out>n.rows"],
)


def test_to_a_node(tmp_path: Path) -> None:
    ran = run(PARTS, tmp_path, to_node="up")
    assert ran.states() == {
        "s": "completed",
        "up": "completed",
        "k": "skipped",
        "n": "skipped",
        "side": "skipped",
    }
    assert ran.result.nodes["n"].reason == "not_selected"
    assert given(ran, "up") == ["A", "B", "C"]


def test_from_a_node_uses_earlier_outputs(tmp_path: Path) -> None:
    before = run(PARTS, tmp_path)
    reuse = {
        name: {port: {"type": "x", "count": 1, "ref": ref} for port, ref in node.outputs.items()}
        for name, node in before.result.nodes.items()
    }
    seen.calls.clear()
    ran = run(PARTS, tmp_path, from_node="k", reuse=reuse)
    assert ran.state == "completed"
    assert ran.result.nodes["up"].reason == "reused"
    assert ran.result.nodes["s"].reason == "not_selected"
    assert given(ran, "n") == [3]
    assert seen.calls == {}
    shown = ran.of("node_output", "up")[0].data
    assert OutputStore(tmp_path).read(shown["ref"])["records"] == ["A", "B", "C"]


def test_from_a_node_runs_what_is_missing(tmp_path: Path) -> None:
    seen.calls.clear()
    ran = run(PARTS, tmp_path, from_node="k")
    assert ran.states()["s"] == "completed"
    assert given(ran, "n") == [3]
    assert ran.states()["side"] == "skipped"


def test_from_a_node_does_not_use_outputs_that_were_not_kept_whole(tmp_path: Path) -> None:
    texts = [str(n) for n in range(10_050)]
    flow = flow_of(
        {"s": ("t.texts", {"texts": texts}), "k": "t.keep", "n": "t.count"},
        ["s.out>k.rows", "k.out>n.rows"],
    )
    before = run(flow, tmp_path)
    kept = before.result.nodes["k"].outputs
    assert (kept["out"]["count"], kept["out"]["kept"]) == (10_050, 10_000)
    ran = run(flow, tmp_path, from_node="n", reuse={"k": kept})
    assert ran.states()["k"] == "completed"
    assert given(ran, "n") == [10_050]


def test_from_and_to_a_node(tmp_path: Path) -> None:
    ran = run(PARTS, tmp_path, from_node="up", to_node="k")
    assert [name for name, state in ran.states().items() if state == "completed"] == [
        "s",
        "up",
        "k",
    ]


# What is told, and how much


def test_progress_is_told_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.001
        return now

    monkeypatch.setattr(tracker, "monotonic", clock)
    texts = [str(n) for n in range(2000)]
    flow = flow_of({"s": ("t.texts", {"texts": texts}), "up": "t.upper"}, ["s.out>up.text"])
    ran = run(flow, tmp_path, batch_size=1)
    told = ran.of("node_progress", "up")
    assert 2 < len(told) <= now / OFTEN_S + 1
    counts = [event.data["counts"]["in"] for event in told]
    assert counts == sorted(counts)


def test_a_log_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tracker, "MOST_LINES", 5)
    flow = flow_of(
        {"s": ("t.texts", {"texts": list("abcdefghij")}), "n": "t.life"}, ["s.out>n.text"]
    )
    lines = [event.data["message"] for event in run(flow, tmp_path).of("log")]
    assert lines[:4] == ["saw a", "saw b", "saw c", "saw d"]
    assert lines[4:] == ["This node writes too much; the rest is not kept."]


def test_samples_and_true_counts(tmp_path: Path) -> None:
    texts = [str(n) for n in range(12_345)]
    ran = run(flow_of({"s": ("t.texts", {"texts": texts})}, []), tmp_path)
    kept = ran.result.outputs["s"]["out"]
    assert (kept["count"], len(kept["records"]), kept["truncated"]) == (12_345, 10_000, True)
    assert ran.result.nodes["s"].outputs["out"]["blob"]


def test_failures_have_no_secrets(tmp_path: Path) -> None:
    flow = flow_of(
        {"v": ("t.value", {"value": {"text": "b", "api_key": "k-123"}}), "n": "t.errors"},
        ["v.out>n.failure"],
    )
    ran = run(flow, tmp_path)
    assert ran.state == "failed"
    assert "k-123" not in str([event.as_dict() for event in ran.events[-2:]])
    assert ran.result.failure is not None
    assert ran.result.failure["sample"]["text"] == "b"


def test_states_follow_the_law() -> None:
    assert RunState.READY.may_become(RunState.RUNNING)
    assert not RunState.COMPLETED.may_become(RunState.RUNNING)
    assert all(
        not state.ended or not RunState.RUNNING.may_become(RunState.DRAFT) for state in RunState
    )
