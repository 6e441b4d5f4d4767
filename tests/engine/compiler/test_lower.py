"""What flows mean: lifting, pairing, skipping, failing. Named after the sentences of the design."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.engine.compiler.flows import flow_of, given, run, seen


@dataclass
class Case:
    name: str
    nodes: dict[str, Any]
    edges: list[str]
    expect: dict[str, Any]
    states: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    state: str = "completed"


def off(kind: str, **settings: Any) -> Any:
    return (kind, settings, {"disabled": True})


CASES = [
    # Lifting
    Case(
        "a stream into a value lifts the node",
        {"s": "t.texts", "up": "t.upper"},
        ["s.out>up.text"],
        {"s.out": ["a", "b", "c"], "up.out": ["A", "B", "C"]},
    ),
    Case(
        "lifted nodes follow each other",
        {"s": "t.texts", "up": "t.upper", "find": "t.find", "re": "t.rerank"},
        ["s.out>up.text", "up.out>find.text", "find.out>re.found"],
        {"re.out": [["A2", "A1"], ["B2", "B1"], ["C2", "C1"]]},
    ),
    Case(
        "other single values are repeated for every record",
        {"s": "t.texts", "w": "t.word", "p": "t.pair"},
        ["s.out>p.a", "w.out>p.b"],
        {"p.out": ["a+w", "b+w", "c+w"]},
    ),
    Case(
        "a repeated value may come from a lifted input's own stream, collected",
        {"s": "t.texts", "ans": "t.answer"},
        ["s.out>ans.question", "s.out>ans.found"],
        {"ans.out": ["a:a,b,c", "b:a,b,c", "c:a,b,c"]},
    ),
    Case(
        "an optional input that is not wired keeps its default",
        {"s": "t.texts", "p": "t.pair"},
        ["s.out>p.a"],
        {"p.out": ["a+None", "b+None", "c+None"]},
    ),
    Case(
        "single values are used once",
        {"w": "t.word", "find": "t.find", "re": "t.rerank"},
        ["w.out>find.text", "find.out>re.found"],
        {"find.out": ["w1", "w2"], "re.out": ["w2", "w1"]},
    ),
    Case(
        "an empty stream lifts to an empty stream",
        {"s": ("t.texts", {"texts": []}), "up": "t.upper"},
        ["s.out>up.text"],
        {"up.out": []},
        {"up": "completed"},
    ),
    # Collect, explode, single
    Case(
        "a list from a stream collects it",
        {"s": "t.texts", "re": "t.rerank"},
        ["s.out>re.found"],
        {"re.out": ["c", "b", "a"]},
    ),
    Case(
        "one answer from all documents",
        {"s": "t.texts", "w": "t.word", "ans": "t.answer"},
        ["w.out>ans.question", "s.out>ans.found"],
        {"ans.out": "w:a,b,c"},
    ),
    Case(
        "once per question",
        {"s": "t.texts", "find": "t.find", "re": "t.rerank", "ans": "t.answer"},
        ["s.out>find.text", "find.out>re.found", "s.out>ans.question", "re.out>ans.found"],
        {"ans.out": ["a:a2,a1", "b:b2,b1", "c:c2,c1"]},
    ),
    Case(
        "a stream from a list explodes it",
        {"l": "t.list", "k": ("t.keep", {"out": "x"}), "n": "t.count"},
        ["l.out>k.rows", "l.out>n.rows"],
        {"k.out": ["y"], "n.out": [2]},
    ),
    Case(
        "a stream from a value is a stream of one",
        {"w": "t.word", "n": "t.count"},
        ["w.out>n.rows"],
        {"n.out": [1]},
    ),
    Case(
        "an empty stream collects to an empty list",
        {"s": ("t.texts", {"texts": []}), "re": "t.rerank", "n": "t.count"},
        ["s.out>re.found", "s.out>n.rows"],
        {"re.out": [], "n.out": [0]},
    ),
    # Many
    Case(
        "many for each record is flat and in order",
        {"s": ("t.texts", {"texts": ["ab", "", "cd"]}), "cut": "t.cut", "up": "t.upper"},
        ["s.out>cut.text", "cut.out>up.text"],
        {"cut.out": ["a", "b", "c", "d"], "up.out": ["A", "B", "C", "D"]},
    ),
    Case(
        "many for one value is a stream",
        {"w": ("t.word", {"text": "abc"}), "cut": "t.cut"},
        ["w.out>cut.text"],
        {"cut.out": ["a", "b", "c"]},
    ),
    Case(
        "a value and a stream, once",
        {"w": ("t.word", {"text": "abc"}), "m": "t.measure"},
        ["w.out>m.text"],
        {"m.length": 3, "m.parts": ["a", "b", "c"]},
    ),
    Case(
        "a value and a stream, for each record",
        {"s": ("t.texts", {"texts": ["ab", "c"]}), "m": "t.measure"},
        ["s.out>m.text"],
        {"m.length": [2, 1], "m.parts": ["a", "b", "c"]},
    ),
    # Pairing
    Case(
        "streams of one origin are paired",
        {"s": "t.texts", "up": "t.upper", "p": "t.both"},
        ["s.out>p.a", "s.out>up.text", "up.out>p.b"],
        {"p.out": ["a&A", "b&B", "c&C"]},
    ),
    Case(
        "pairs leave out what one side skipped",
        {"s": "t.texts", "if": "t.if", "up": "t.upper", "p": "t.both"},
        ["s.out>p.a", "s.out>if.text", "if.no>up.text", "up.out>p.b"],
        {"p.out": ["a&A", "c&C"], "up.out": ["A", "C"]},
    ),
    Case(
        "a skipped optional input keeps its default, record by record",
        {"s": "t.texts", "if": "t.if", "p": "t.pair"},
        ["s.out>p.a", "if.yes>p.b", "s.out>if.text"],
        {"p.out": ["a+None", "b+b", "c+None"]},
    ),
    Case(
        "asynchronous nodes stay in step",
        {"s": ("t.texts", {"texts": list("edcba")}), "wait": "t.wait", "p": "t.both"},
        ["s.out>wait.text", "s.out>p.a", "wait.out>p.b"],
        {"p.out": ["e&e~", "d&d~", "c&c~", "b&b~", "a&a~"]},
    ),
    # Ways
    Case(
        "each record goes one way",
        {"s": "t.texts", "if": "t.if", "up": "t.upper"},
        ["s.out>if.text", "if.yes>up.text"],
        {"if.yes": ["b"], "if.no": ["a", "c"], "up.out": ["B"]},
        {"up": "completed"},
    ),
    Case(
        "a single value goes one way, and the other is skipped",
        {"w": "t.word", "if": "t.if", "up": "t.upper", "low": "t.wait", "more": "t.wait"},
        ["w.out>if.text", "if.yes>up.text", "if.no>low.text", "up.out>more.text"],
        {"up.out": None, "low.out": "w~", "if.no": "w", "if.yes": None, "more.out": None},
        {"up": "skipped", "more": "skipped", "low": "completed"},
        {"up": "not_taken", "more": "input_skipped"},
    ),
    Case(
        "the first way that was taken, record by record, in the order of the origin",
        {"s": "t.texts", "if": "t.if", "up": "t.upper", "m": "t.first"},
        ["s.out>if.text", "if.yes>up.text", "up.out>m.ways", "if.no>m.ways"],
        {"m.out": ["a", "B", "c"]},
    ),
    Case(
        "the first way that was taken, once",
        {"w": "t.word", "if": "t.if", "up": "t.upper", "m": "t.first"},
        ["w.out>if.text", "if.yes>up.text", "up.out>m.ways", "if.no>m.ways"],
        {"m.out": "w"},
    ),
    Case(
        "all ways that were taken, in the order of their edges",
        {"s": "t.texts", "if": "t.if", "up": "t.upper", "m": "t.all"},
        ["s.out>if.text", "if.yes>up.text", "up.out>m.ways", "s.out>m.ways"],
        {"m.out": ["a", "b|B", "c"]},
    ),
    Case(
        "when no way was taken, what follows is skipped",
        {"w": "t.word", "if": "t.if", "m": "t.all", "up": "t.upper"},
        ["w.out>if.text", "if.yes>m.ways", "m.out>up.text"],
        {"m.out": None},
        {"m": "skipped", "up": "skipped"},
        {"m": "not_taken", "up": "input_skipped"},
    ),
    Case(
        "streams are appended one after the other",
        {"a": "t.texts", "b": ("t.texts", {"texts": ["z"]}), "m": "t.append"},
        ["b.out>m.inputs", "a.out>m.inputs"],
        {"m.out": ["a", "b", "c", "z"]},
    ),
    Case(
        "appending leaves out ways that were not taken",
        {"w": "t.word", "if": "t.if", "m": "t.append"},
        ["w.out>if.text", "if.yes>m.inputs", "if.no>m.inputs"],
        {"m.out": ["w"]},
    ),
    Case(
        "a stream after a way not taken is skipped, not empty",
        {"w": "t.word", "if": "t.if", "cut": "t.cut", "n": "t.count", "end": "t.ends"},
        ["w.out>if.text", "if.yes>cut.text", "cut.out>n.rows", "if.yes>end.text"],
        {"n.out": None, "cut.out": None},
        {"cut": "skipped", "n": "skipped", "end": "skipped"},
    ),
    Case(
        "an optional stream that was not taken is an empty one",
        {"s": "t.texts", "w": "t.word", "if": "t.if", "k": "t.keep"},
        ["s.out>k.rows", "w.out>if.text", "if.yes>k.others"],
        {"k.out": ["a", "c"]},
    ),
    Case(
        "a stream that does not take part is missing for every record",
        {"s": "t.texts", "w": "t.word", "if": "t.if", "gone": "t.both", "p": "t.pair",
         "wp": "t.wait_pair"},
        ["w.out>if.text", "s.out>gone.a", "if.yes>gone.b", "s.out>p.a", "gone.out>p.b",
         "s.out>wp.a", "gone.out>wp.b"],
        {"gone.out": None, "p.out": ["a+None", "b+None", "c+None"],
         "wp.out": ["a+None", "b+None", "c+None"]},
        {"gone": "skipped"},
    ),
    # Disabled
    Case(
        "what needs a disabled node is skipped",
        {"s": off("t.texts"), "up": "t.upper", "n": "t.count", "w": "t.word", "wait": "t.wait"},
        ["s.out>up.text", "up.out>n.rows", "w.out>wait.text"],
        {"wait.out": "w~"},
        {"s": "skipped", "up": "skipped", "n": "skipped", "wait": "completed"},
        {"s": "disabled", "up": "input_skipped", "n": "input_skipped"},
    ),
    Case(
        "an optional input from a disabled node keeps its default",
        {"s": "t.texts", "w": off("t.word"), "p": "t.pair"},
        ["s.out>p.a", "w.out>p.b"],
        {"p.out": ["a+None", "b+None", "c+None"]},
    ),
    Case(
        "several ways do without the disabled one",
        {"s": "t.texts", "up": off("t.upper"), "m": "t.append"},
        ["s.out>up.text", "s.out>m.inputs", "up.out>m.inputs"],
        {"m.out": ["a", "b", "c"]},
    ),
    # Asynchronous
    Case(
        "an asynchronous node, once",
        {"w": "t.word", "wait": "t.wait"},
        ["w.out>wait.text"],
        {"wait.out": "w~"},
    ),
    Case(
        "an asynchronous node that gives many, once",
        {"w": ("t.word", {"text": "abc"}), "st": "t.stream"},
        ["w.out>st.text"],
        {"st.out": ["a", "b", "c"]},
    ),
    Case(
        "an asynchronous node that gives many, for each record",
        {"s": ("t.texts", {"texts": ["ab", "c"]}), "st": "t.stream"},
        ["s.out>st.text"],
        {"st.out": ["a", "b", "c"]},
    ),
    # Pinned
    Case(
        "a pinned node does not run",
        {"s": ("t.texts", {"fail_after": 0}, {"pinned": {"out": ["p", "q"]}}), "up": "t.upper"},
        ["s.out>up.text"],
        {"s.out": ["p", "q"], "up.out": ["P", "Q"]},
        {"s": "completed"},
    ),
    Case(
        "a pinned value",
        {"w": ("t.word", {}, {"pinned": {"out": "pin"}}), "up": "t.upper"},
        ["w.out>up.text"],
        {"up.out": "PIN"},
    ),
    Case(
        "a pinned node without inputs of its own is enough",
        {"s": "t.texts", "if": ("t.if", {}, {"pinned": {"yes": ["n"]}}), "up": "t.upper",
         "low": "t.upper"},
        ["s.out>if.text", "if.yes>up.text", "if.no>low.text"],
        {"up.out": ["N"], "low.out": None},
        {"low": "skipped"},
    ),
]  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 1024])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_meaning(case: Case, size: int, tmp_path: Path) -> None:
    wanted = [port.split(".") for port in case.expect]
    names = list(dict.fromkeys(node for node, _ in wanted))
    flow = flow_of(case.nodes, case.edges, outputs=names)
    ran = run(flow, tmp_path, batch_size=size)
    assert (ran.state, ran.result.failure) == (case.state, None)
    assert {f"{node}.{port}": given(ran, node, port) for node, port in wanted} == case.expect
    states = ran.states()
    assert {name: states[name] for name in case.states} == case.states
    assert {name: ran.result.nodes[name].reason for name in case.reasons} == case.reasons


# Failing

POLICIES: list[tuple[str, str, dict[str, Any]]] = [
    ("t.check", "skip", {"out": ["a", "c"]}),
    ("t.check", "continue", {"out": ["a", None, "c"]}),
    ("t.check", "route", {"out": ["a", "c"], "error": ["b"]}),
    ("t.check_each", "skip", {"out": ["a", "c"]}),
    ("t.check_each", "continue", {"out": ["a", None, "c"]}),
    ("t.check_each", "route", {"out": ["a", "c"], "error": ["b"]}),
    ("t.cut_bad", "skip", {"out": ["a", "c"]}),
    ("t.cut_bad", "continue", {"out": ["a", "c"]}),
    ("t.cut_bad", "route", {"out": ["a", "c"], "error": ["b"]}),
    ("t.wait", "skip", {"out": ["a~", "c~"]}),
    ("t.wait", "continue", {"out": ["a~", None, "c~"]}),
    ("t.wait", "route", {"out": ["a~", "c~"], "error": ["b"]}),
]


@pytest.mark.parametrize("size", [1, 2, 1024])
@pytest.mark.parametrize(
    ("kind", "policy", "expect"), POLICIES, ids=[f"{k} {p}" for k, p, _ in POLICIES]
)
def test_a_record_that_fails(
    kind: str, policy: str, expect: dict[str, Any], size: int, tmp_path: Path
) -> None:
    port = "rows" if kind == "t.check_each" else "text"
    flow = flow_of(
        {"s": "t.texts", "n": (kind, {"bad": "b"}, {"on_error": policy})},
        [f"s.out>n.{port}"],
        outputs=["n"],
    )
    ran = run(flow, tmp_path, batch_size=size)
    assert ran.state == "completed"
    assert given(ran, "n") == expect["out"]
    failures = given(ran, "n", "error") or []
    assert [failure["item"] for failure in failures] == expect.get("error", [])
    assert ran.of("node_completed", "n")[0].data["failures"]["count"] == 1
    assert "b is bad" in ran.of("log", "n")[0].data["message"]


@pytest.mark.parametrize("kind", ["t.check", "t.wait"])
@pytest.mark.parametrize("policy", ["skip", "continue", "route"])
def test_a_single_value_that_fails(kind: str, policy: str, tmp_path: Path) -> None:
    nodes = {
        "w": ("t.word", {"text": "b"}),
        "n": (kind, {"bad": "b"}, {"on_error": policy}),
        "up": "t.value",
        "next": "t.upper",
    }
    edges = ["w.out>n.text"]
    if policy == "skip":
        edges += ["n.out>next.text"]
    if policy == "route":
        nodes["err"] = "t.errors"
        edges += ["n.error>err.failure", "n.out>next.text"]
    if policy == "continue":
        del nodes["next"]
    ran = run(flow_of(nodes, edges, outputs=["n", *(["err"] if "err" in nodes else [])]), tmp_path)
    assert ran.state == "completed"
    expected = {"skip": "skipped", "continue": "completed", "route": "completed"}
    assert ran.states()["n"] == expected[policy]
    if policy == "skip":
        assert ran.result.nodes["n"].reason == "error_skipped"
        assert ran.result.nodes["n"].failure is not None
        assert ran.result.nodes["next"].reason == "input_skipped"
    if policy == "route":
        assert given(ran, "err") == {"item": "b", "message": "b is bad"}
        assert ran.states()["next"] == "skipped"
    if policy == "continue":
        assert given(ran, "n") is None
        assert ran.result.nodes["n"].count_out == {"out": 1}


def test_an_error_port_that_is_not_taken_skips_its_handler(tmp_path: Path) -> None:
    flow = flow_of(
        {"w": "t.word", "n": ("t.check", {}, {"on_error": "route"}), "err": "t.errors"},
        ["w.out>n.text", "n.error>err.failure"],
    )
    ran = run(flow, tmp_path)
    assert ran.states() == {"w": "completed", "n": "completed", "err": "skipped"}


def test_routed_failures_stay_in_step_with_their_records(tmp_path: Path) -> None:
    flow = flow_of(
        {
            "s": "t.texts",
            "n": ("t.check", {}, {"on_error": "route"}),
            "err": "t.errors",
            "first": "t.first",
        },
        ["s.out>n.text", "n.error>err.failure"],
        outputs=["err", "n"],
    )
    del flow.nodes["first"]
    ran = run(flow, tmp_path)
    assert given(ran, "err") == [{"item": "b", "message": "b is bad"}]


@pytest.mark.parametrize("policy", ["skip", "route"])
def test_a_source_that_fails_at_once_skips_what_follows(policy: str, tmp_path: Path) -> None:
    flow = flow_of(
        {
            "s": ("t.texts", {"fail_after": 0}, {"on_error": policy}),
            "n": "t.count",
            "w": "t.word",
        },
        ["s.out>n.rows"],
    )
    ran = run(flow, tmp_path)
    assert ran.state == "completed"
    assert ran.states()["n"] == "skipped"


def test_a_source_that_fails_later_keeps_what_it_gave(tmp_path: Path) -> None:
    flow = flow_of(
        {"s": ("t.texts", {"fail_after": 2}, {"on_error": "skip"}), "n": "t.count"},
        ["s.out>n.rows"],
    )
    assert given(run(flow, tmp_path), "n") == [2]


def test_a_node_that_cannot_be_opened_can_be_lived_with(tmp_path: Path) -> None:
    flow = flow_of(
        {"x": ("t.will_not_open", {}, {"on_error": "skip"}), "up": "t.upper", "w": "t.word"},
        ["x.out>up.text"],
    )
    ran = run(flow, tmp_path)
    assert ran.states() == {"x": "skipped", "up": "skipped", "w": "completed"}
    assert ran.result.nodes["x"].reason == "error_skipped"
    bad = run(flow_of({"x": "t.will_not_open"}, []), tmp_path)
    assert bad.result.failure is not None
    assert (bad.state, bad.result.failure["node"]) == ("failed", "x")


# Trying again, and time


@pytest.mark.parametrize("source", ["t.word", "t.texts"])
def test_a_node_is_tried_again(source: str, tmp_path: Path) -> None:
    seen.calls.clear()
    retry = {"max_attempts": 3, "delay_s": 0}
    flow = flow_of(
        {"s": source, "n": ("t.flaky", {"name": "again"}, {"retry": retry})}, ["s.out>n.text"]
    )
    ran = run(flow, tmp_path)
    assert ran.state == "completed"
    assert given(ran, "n") == (["a", "b", "c"] if source == "t.texts" else "w")
    assert ran.result.nodes["n"].attempts == 3
    assert "Attempt 1 failed" in ran.of("log", "n")[0].data["message"]


def test_a_node_that_keeps_failing_fails(tmp_path: Path) -> None:
    seen.calls.clear()
    retry = {"max_attempts": 2, "delay_s": 0}
    flow = flow_of(
        {"w": "t.word", "n": ("t.flaky", {"name": "never"}, {"retry": retry})}, ["w.out>n.text"]
    )
    ran = run(flow, tmp_path)
    assert ran.state == "failed"
    assert ran.result.failure is not None
    assert (ran.result.failure["node"], ran.result.failure["attempt"]) == ("n", 2)
    assert ran.result.failure["chain"][0] == {
        "type": "BlockingIOError", "message": "[Errno 11] busy", "errno": 11, "status": None,
    }  # fmt: skip


@pytest.mark.parametrize("source", ["t.word", "t.texts"])
def test_a_node_has_a_time_limit(source: str, tmp_path: Path) -> None:
    flow = flow_of({"s": source, "n": ("t.slow", {}, {"timeout_s": 0.02})}, ["s.out>n.text"])
    ran = run(flow, tmp_path)
    assert ran.state == "failed"
    assert ran.result.failure is not None
    assert ran.result.failure["code"] == "node.timeout"


def test_a_node_out_of_time_can_be_lived_with(tmp_path: Path) -> None:
    fields = {"timeout_s": 0.02, "on_error": "continue"}
    flow = flow_of({"s": "t.texts", "n": ("t.slow", {}, fields)}, ["s.out>n.text"])
    assert given(run(flow, tmp_path), "n") == [None, None, None]


# Life of nodes


def test_nodes_are_opened_before_and_closed_after_their_records(tmp_path: Path) -> None:
    seen.calls.clear()
    flow = flow_of({"s": "t.texts", "n": "t.life"}, ["s.out>n.text"])
    ran = run(flow, tmp_path)
    assert seen.calls["life"] == ["open n", "a", "b", "c", "close"]
    assert [event.data["message"] for event in ran.of("log")] == ["saw a", "saw b", "saw c"]


def test_nodes_are_closed_when_another_fails(tmp_path: Path) -> None:
    seen.calls.clear()
    flow = flow_of(
        {"s": "t.texts", "n": "t.life", "bad": "t.check"}, ["s.out>n.text", "n.out>bad.text"]
    )
    assert run(flow, tmp_path, batch_size=1).state == "failed"
    assert seen.calls["life"] == ["open n", "a", "b", "close"]


def test_a_skipped_node_is_never_opened(tmp_path: Path) -> None:
    seen.calls.clear()
    flow = flow_of({"w": "t.word", "if": "t.if", "n": "t.life"}, ["w.out>if.text", "if.yes>n.text"])
    assert run(flow, tmp_path).states()["n"] == "skipped"
    assert seen.calls == {}


def test_a_node_with_effects_sees_everything_before_a_limit(tmp_path: Path) -> None:
    seen.calls.clear()
    flow = flow_of(
        {"s": ("t.texts", {"texts": list("abcdefgh")}), "end": "t.ends", "n": "t.count"},
        ["s.out>end.text", "s.out>n.rows"],
    )
    run(flow, tmp_path, batch_size=2)
    assert seen.calls["ends"] == list("abcdefgh")
