"""Problems of flows in streaming mode."""

from typing import Any

import pytest

from weft_engine.compiler.check import check
from weft_engine.flow.model import Flow
from weft_engine.flow.patch import apply
from weft_engine.nodes.catalogue import Catalogue

CATALOGUE = Catalogue.installed()
CLOCK = {"type": "stream.clock"}


def flow_of(nodes: dict[str, Any], *edges: tuple[str, str, str, str]) -> Flow:
    names = ("source", "source_port", "target", "target_port")
    drawn = [dict(zip(names, edge, strict=True)) for edge in edges]
    return Flow.model_validate(
        {"name": "x", "mode": "streaming", "nodes": {"clock": CLOCK, **nodes}, "edges": drawn}
    )


TICKS = ("clock", "ticks", "it")


@pytest.mark.parametrize(
    ("node", "port", "codes"),
    [
        ({"type": "stream.window"}, "rows", []),
        ({"type": "data.filter", "settings": {"where": "true"}}, "rows", []),
        ({"type": "stream.write", "settings": {"folder": "out"}}, "rows", []),
        ({"type": "control.if", "settings": {"condition": "true"}}, "item", []),
        ({"type": "control.merge"}, "inputs", []),
        ({"type": "control.merge", "settings": {"mode": "any"}}, "inputs", ["streaming_merge"]),
        ({"type": "data.group"}, "rows", ["needs_end"]),
        ({"type": "data.sort", "settings": {"by": [{"field": "number"}]}}, "rows", ["needs_end"]),
        ({"type": "control.wait", "settings": {"seconds": 1}}, "item", ["streaming_waits"]),
    ],
    ids=lambda value: value.get("type", "") if isinstance(value, dict) else None,
)
def test_what_may_follow_a_stream_without_end(
    node: dict[str, Any], port: str, codes: list[str]
) -> None:
    found = check(flow_of({"it": node}, (*TICKS, port)), CATALOGUE)
    errors = [each.code for each in found if each.severity == "error"]
    assert errors == [f"check.{code}" for code in codes]


def test_a_priority_is_refused_and_taken_away() -> None:
    node = {"type": "data.filter", "settings": {"where": "true"}, "priority": 5}
    flow = flow_of({"it": node}, (*TICKS, "rows"))
    (found,) = check(flow, CATALOGUE)
    assert (found.code, found.node) == ("check.streaming_priority", "it")
    fixed = apply(flow, found.fixes[0].patch).flow
    assert fixed.nodes["it"].priority is None
    assert check(fixed, CATALOGUE) == []


def test_containers_are_for_other_modes() -> None:
    nodes = {"it": {"type": "control.for_each"}, "say": {"type": "text.template", "parent": "it",
             "settings": {"template": "x"}}}  # fmt: skip
    flow = flow_of(nodes, (*TICKS, "items"), ("it", "item", "say", "item"),
                   ("say", "text", "it", "result"))  # fmt: skip
    found = next(e for e in check(flow, CATALOGUE) if e.code == "check.streaming_container")
    assert apply(flow, found.fixes[0].patch).flow.mode == "batch"


@pytest.mark.parametrize(
    ("node", "instead"),
    [
        ({"type": "data.group", "settings": {"by": ["number"]}}, "stream.window"),
        ({"type": "file.write", "settings": {"path": "a/out.csv"}}, "stream.write"),
    ],
)
def test_a_fix_puts_in_what_does_not_wait(node: dict[str, Any], instead: str) -> None:
    flow = flow_of({"it": node}, (*TICKS, "rows"))
    (found,) = check(flow, CATALOGUE)
    assert found.code == "check.needs_end"
    fixed = apply(flow, found.fixes[0].patch).flow
    assert fixed.nodes["it"].type == instead
    assert check(fixed, CATALOGUE) == []


def test_what_triggers_give_is_a_stream_without_end() -> None:
    nodes = {
        "hook": {"type": "trigger.webhook"},
        "say": {"type": "text.template", "settings": {"template": "{{ item }}"}},
        "sort": {"type": "data.sort", "settings": {"by": [{"field": "a"}]}},
    }
    flow = flow_of(nodes, ("hook", "body", "say", "item"), ("hook", "headers", "sort", "rows"))
    assert [e.code for e in check(flow, CATALOGUE) if e.severity == "error"] == ["check.needs_end"]
