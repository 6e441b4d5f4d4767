"""Containers on the scheduler: nested three deep, cancelled inside, failing inside."""

from typing import Any

from tests.engine.compiler.flows import flow_of
from tests.engine.flows.running import engine


def inside(parent: str, **settings: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    return settings, {"parent": parent}


def test_loops_nested_three_deep_start_afresh() -> None:
    flow = flow_of(
        {
            "word": "t.word",
            "a": ("control.repeat", {"times": "2"}),
            "b": ("control.repeat", *inside("a", times="3")),
            "c": ("control.repeat", *inside("b", times="2")),
            "text": ("text.template", *inside("c", template="{{ item }}{{ index }}")),
            "all": ("t.answer", *inside("b")),
            "each": ("t.answer", *inside("a")),
        },
        ["word.out>a.initial", "a.state>b.initial", "b.state>c.initial", "c.state>text.item",
         "text.text>c.result", "c.results>all.found", "b.state>all.question", "all.out>b.result",
         "b.results>each.found", "a.state>each.question", "each.out>a.result"],
        outputs=["a"],
    )  # fmt: skip

    ran = engine(flow)

    once = "w:w0,w1"
    assert ran.outputs["a"]["results"] == [f"w:{once},{once},{once}"] * 2
    scopes = {event.data.get("scope") for event in ran.events if event.node == "a/b/c/text"}
    assert scopes >= {f"a:{i}/b:{j}/c:{k}" for i in range(2) for j in range(3) for k in range(2)}


def test_what_is_done_at_last_is_done_also_when_the_run_is_cancelled() -> None:
    flow = flow_of(
        {
            "word": "t.word",
            "try": "control.try",
            "slow": ("t.slow", *inside("try")),
            "last": ("text.template", *inside("try", template="{{ item.state }}")),
        },
        ["word.out>try.item", "try.item>slow.text", "slow.out>try.result",
         "try.outcome>last.item"],
        outputs=["try"],
    )  # fmt: skip
    flow = flow.replace(
        nodes={**flow.nodes, "slow": flow.nodes["slow"].model_copy(update={"timeout_s": 600.0})}
    )

    ran = engine(flow, cancel_at="try/slow")

    assert ran.state == "cancelled"
    assert [e.type for e in ran.events if e.node == "try/last"][-1] == "node_completed"
