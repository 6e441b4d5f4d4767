"""What `weft plan` says of ways that are never taken, of units side by side, of batches."""

from typing import Any

import pytest

from tests.engine.compiler.optimise.row_flows import CATALOGUE, run
from weft_engine.compiler.optimise.notes import TEXTS
from weft_engine.compiler.plan import plan
from weft_engine.flow.model import Flow


def branch(condition: str, **more: Any) -> Flow:
    nodes = {
        "s": {"type": "t.rows", "settings": {"rows": [{"a": 1}]}},
        "i": {"type": "control.if", "settings": {"condition": condition}},
        "yes": {"type": "text.template", "settings": {"template": "yes"}},
        "no": {"type": "text.template", "settings": {"template": "no"}},
    }
    edges = [("s", "rows", "i", "item"), ("i", "true", "yes", "item"), ("i", "false", "no", "item")]
    return flow(nodes, edges, **more)


def flow(nodes: dict[str, Any], edges: list[tuple[str, str, str, str]], **more: Any) -> Flow:
    names = ("source", "source_port", "target", "target_port")
    drawn = [dict(zip(names, edge, strict=True)) for edge in edges]
    return Flow.model_validate({"name": "Notes", "nodes": nodes, "edges": drawn, **more})


def said(found: Flow) -> dict[str, tuple[list[str], str]]:
    return {
        note["key"]: (note["nodes"], note["message"]) for note in plan(found, CATALOGUE)["notes"]
    }


@pytest.mark.parametrize(
    ("condition", "closed", "never"),
    [
        ("1 + 1 == 2", "false", "no"),
        ("vars.mode == 3", "true", "yes"),
        ("item.a == 1", None, None),
        ("vars.other == 3", None, None),
        ("inputs.a == 3", None, None),
    ],
)
def test_ways_that_are_never_taken(condition: str, closed: str | None, never: str | None) -> None:
    drawn = branch(condition, variables={"mode": 1})
    found = said(drawn)

    assert ("dead_branch.closed" in found) == (closed is not None)
    if closed is not None and never is not None:
        assert f"to {closed}:" in found["dead_branch.closed"][1]
        assert found["dead_branch.never"][0] == [never]
        made = run(drawn)
        assert made.seen(never)["out"].get("text", 0) == 0


def test_a_variable_that_something_sets_is_no_constant() -> None:
    drawn = branch("vars.mode == 3", variables={"mode": 1}).model_dump(mode="json")
    drawn["nodes"]["w"] = {"type": "vars.set", "settings": {"name": "mode", "value": "3"}}
    drawn["nodes"]["q"] = {"type": "flow.input", "settings": {"name": "x"}}
    drawn["inputs"] = {"x": {"type": "Number", "default": 1}}
    out = CATALOGUE.spec("flow.input").outputs[0].name  # type: ignore[union-attr]
    drawn["edges"].append({"source": "q", "source_port": out, "target": "w", "target_port": "item"})
    assert "dead_branch.closed" not in said(Flow.model_validate(drawn))


def test_what_nothing_comes_of() -> None:
    found = said(branch("item.a == 1", outputs=["yes"]))
    assert found["dead_branch.unattended"][0] == ["no"]
    assert "dead_branch.unattended" not in said(branch("item.a == 1"))


def test_units_side_by_side_and_batches() -> None:
    rows = {"type": "t.rows", "settings": {"rows": [{"a": 1}]}}
    found = said(
        flow(
            {"a": rows, "b": rows, "t": {"type": "text.template", "settings": {"template": "x"}}},
            [("a", "rows", "t", "item")],
        )
    )
    assert found["parallel.units"] == (["a", "b"], "2 units need not wait for each other")
    assert found["batch.done"] == (["t"], "t takes many records at a time, 64 at most")


def test_every_message_is_there_in_both_languages() -> None:
    for english, chinese in TEXTS.values():
        assert set(_places(english)) == set(_places(chinese))


def _places(text: str) -> list[str]:
    return [part.partition("}")[0] for part in text.split("{")[1:]]
