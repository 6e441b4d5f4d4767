"""Nodes that nothing comes of are left out of runs that nobody looks at."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from tests.engine.compiler.optimise.row_flows import CATALOGUE as ROWS
from tests.engine.compiler.optimise.row_flows import run
from tests.engine.flows.reference import interpret
from tests.engine.flows.running import engine
from tests.engine.flows.strategies import CATALOGUE, flows
from tests.engine.flows.test_reference import plain
from weft_engine.compiler.plan import plan
from weft_engine.compiler.program import ProgramOptions
from weft_engine.flow.model import Flow

NODES: dict[str, dict[str, Any]] = {
    "s": {"type": "t.rows", "settings": {"rows": [{"a": 1}, {"a": 2}]}},
    "keep": {"type": "data.filter", "settings": {"where": "item.a == 1"}},
    "sorted": {"type": "data.sort", "settings": {"by": [{"field": "a"}]}},
    "words": {"type": "text.template", "settings": {"template": "{{ item.a }}"}},
}
EDGES = ["s.rows>keep.rows", "s.rows>sorted.rows", "sorted.rows>words.item"]


def drawn(more: dict[str, Any] | None = None, edges: tuple[str, ...] = (), **rest: Any) -> Flow:
    ends = [[end.split(".") for end in edge.split(">")] for edge in (*EDGES, *edges)]
    return Flow.model_validate(
        {
            "name": "Dead",
            "nodes": {**NODES, **(more or {})},
            "edges": [
                {"source": a, "source_port": b, "target": c, "target_port": d}
                for (a, b), (c, d) in ends
            ],
            "outputs": ["keep"],
            **rest,
        }
    )


def states(found: Any) -> dict[str, tuple[str, str]]:
    nodes = found.result.nodes
    return {name: (str(nodes[name].state), nodes[name].reason) for name in nodes}


UNUSED = ("skipped", "unused")
DONE = ("completed", "")


def test_a_branch_that_leads_nowhere() -> None:
    left, looked = run(drawn(), attended=False), run(drawn())
    assert left.outputs == looked.outputs == {"keep": {"rows": [{"a": 1}]}}
    assert states(left) == {"s": DONE, "keep": DONE, "sorted": UNUSED, "words": UNUSED}
    assert states(looked) == dict.fromkeys(NODES, DONE)
    assert [note.nodes for note in left.program.notes if note.key == "dead_branch.done"] == [
        ("sorted",), ("words",),
    ]  # fmt: skip
    said = [note for note in plan(drawn(), ROWS)["notes"] if note["rule"] == "dead_branch"]
    assert [note["nodes"] for note in said] == [["sorted"], ["words"]]
    assert "runs that nobody looks at" in said[0]["message"]


STAYS: dict[str, Flow] = {
    "its leaf is an output": drawn(outputs=["keep", "words"]),
    "no outputs are named: the leaves are": drawn(outputs=[]),
    "people look at it afterwards": drawn(
        {"show": {"type": "show.text", "settings": {}}}, ("words.text>show.text",)
    ),
    "an error handler reads it": drawn(
        {"err": {"type": "control.on_error"},
         "say": {"type": "control.merge", "settings": {"mode": "append"}}},
        ("err.failure>say.inputs", "sorted.rows>say.inputs"),
    ),
    "something follows from a failure": drawn(
        {"err": {"type": "control.on_error"},
         "say": {"type": "text.template", "settings": {"template": "oh"}}},
        ("err.failure>say.item",),
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", STAYS)
def test_it_stays_where_something_comes_of_it(name: str) -> None:
    left = run(STAYS[name], attended=False)
    assert states(left)["sorted"] == DONE
    assert all(note.key != "dead_branch.done" for note in left.program.notes)


def test_what_sets_a_variable_stays() -> None:
    flow = drawn(
        {
            "v": {"type": "flow.input", "settings": {"name": "who"}},
            "low": {"type": "text.template", "settings": {"template": "{{ item }}"}},
            "set": {"type": "vars.set", "settings": {"name": "last", "value": "item"}},
        },
        ("v.value>low.item", "low.text>set.item"),
        variables={"last": ""},
        inputs={"who": {"type": "Text", "default": "Ada"}},
    )
    found = states(run(flow, attended=False))
    assert (found["low"], found["set"], found["words"]) == (DONE, DONE, UNUSED)


def test_in_a_container_a_failure_may_matter() -> None:
    flow = drawn(
        {
            "each": {"type": "control.for_each", "settings": {"on_item_error": "skip"}},
            "back": {"type": "data.map", "parent": "each",
                     "settings": {"fields": [{"name": "b", "expression": "item.a"}]}},
            "picky": {"type": "text.template", "parent": "each",
                      "settings": {"template": "{{ 1 / (item.a - 1) }}"}},
        },
        ("s.rows>each.items", "each.item>back.rows", "each.item>picky.item",
         "back.rows>each.result"),
        outputs=["each"],
    )  # fmt: skip
    left, looked = run(flow, attended=False), run(flow)
    assert left.outputs == looked.outputs
    assert len(left.outputs["each"]["results"]) == 1
    assert states(left)["keep"] == UNUSED


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(flow=flows())
def test_what_is_left_out_changes_no_output(flow: Flow) -> None:
    named = flow.replace(outputs=flow.outputs[:1])
    expected = interpret(named, CATALOGUE)
    ran = engine(named, options=ProgramOptions(attended=False))
    assert ran.state == expected.state
    assert plain(ran.outputs) == plain(
        {name: expected.outputs.get(name, {}) for name in named.outputs if name in ran.outputs}
    )
