"""Patches, operation by operation."""

from typing import Any

import pytest
from pydantic import ValidationError

from weft_engine.errors import PatchError
from weft_engine.flow.diff import describe, diff, summarise
from weft_engine.flow.file import load
from weft_engine.flow.patch import Patch, apply

FLOW = load("""
format: weft/1
name: Sales
nodes:
  read: {type: file.read_csv, name: Read sales, settings: {path: a.csv}, position: {x: 0, y: 0}}
  keep:
    type: data.filter
    version: 2
    settings: {where: item.x > 1, by: [{field: x}, {field: y}], deep: {a: {b: 1}}, on: true}
edges:
  - {source: read, source_port: rows, target: keep, target_port: rows}
notes:
  n: {text: hello, position: {x: 1, y: 1}}
""")
EDGE = {"source": "read", "source_port": "rows", "target": "keep", "target_port": "rows"}


def patch(*ops: dict[str, Any]) -> Patch:
    return Patch.model_validate({"ops": list(ops)})


def settings_after(*ops: dict[str, Any]) -> dict[str, Any]:
    return apply(FLOW, patch(*ops)).flow.nodes["keep"].settings


def set_(path: Any, value: Any, **more: Any) -> dict[str, Any]:
    return {"op": "set_setting", "node": "keep", "path": path, "value": value, **more}


def unset(path: Any, **more: Any) -> dict[str, Any]:
    return {"op": "unset_setting", "node": "keep", "path": path, **more}


@pytest.mark.parametrize(
    ("op", "key", "value"),
    [
        (set_(["where"], "y"), "where", "y"),
        (set_("where", "y"), "where", "y"),
        (set_(["by", 0, "field"], "z"), "by", [{"field": "z"}, {"field": "y"}]),
        (set_("by.1.field", "z"), "by", [{"field": "x"}, {"field": "z"}]),
        (set_(["by", 2], "new"), "by", [{"field": "x"}, {"field": "y"}, "new"]),
        (set_("deep.a.c", 2), "deep", {"a": {"b": 1, "c": 2}}),
        (set_("new.inner.most", 3), "new", {"inner": {"most": 3}}),
        (set_(["new", 0, "x"], 3), "new", [{"x": 3}]),
        (unset("by.0"), "by", [{"field": "y"}]),
        (unset("deep.a.b"), "deep", {"a": {}}),
        (set_("where", "y", expect="item.x > 1"), "where", "y"),
        (set_("fresh", 1, expect=None), "fresh", 1),
        (set_("on", 1, expect=True), "on", 1),
    ],
)
def test_settings(op: dict[str, Any], key: str, value: Any) -> None:
    assert settings_after(op)[key] == value


def test_unset_brings_back_the_default() -> None:
    assert "where" not in settings_after(unset("where"))


@pytest.mark.parametrize(
    ("op", "code"),
    [
        (set_("where", "y", expect="else"), "conflict"),
        (set_("where", "y", expect=None), "conflict"),
        (set_("on", 2, expect=1), "conflict"),
        (set_(["by", 5], 1), "bad_path"),
        (set_("where.inside", 1), "bad_path"),
        (set_(["new", 3], 1), "bad_path"),
        (set_("", 1), "bad_value"),
        (unset("nothing"), "missing_setting"),
        (unset("by.7"), "missing_setting"),
        ({**set_("x", 1), "node": "gone"}, "unknown_node"),
        ({"op": "add_node", "id": "read", "node": {"type": "t"}}, "node_exists"),
        ({"op": "remove_node", "id": "gone"}, "unknown_node"),
        ({"op": "remove_node", "id": "keep", "expect": {"type": "else"}}, "conflict"),
        ({"op": "replace_node", "id": "keep", "type": "t", "expect": "else"}, "conflict"),
        ({"op": "set_field", "node": "keep", "field": "on_error", "value": "never"}, "bad_value"),
        (
            {"op": "set_field", "node": "keep", "field": "name", "value": "a", "expect": "b"},
            "conflict",
        ),
        ({"op": "add_edge", **EDGE}, "edge_exists"),
        ({"op": "add_edge", **EDGE, "target": "gone"}, "unknown_node"),
        ({"op": "remove_edge", **EDGE, "source_port": "else"}, "unknown_edge"),
        ({"op": "set_flow", "field": "mode", "value": "never"}, "bad_value"),
        ({"op": "set_flow", "field": "name", "value": None}, "bad_value"),
        ({"op": "set_flow", "field": "name", "value": "a", "expect": "b"}, "conflict"),
        ({"op": "add_note", "id": "n", "note": {"position": {"x": 0, "y": 0}}}, "note_exists"),
        ({"op": "remove_note", "id": "gone"}, "unknown_note"),
        ({"op": "set_note", "id": "gone", "note": {"position": {"x": 0, "y": 0}}}, "unknown_note"),
        (
            {"op": "move_node", "node": "read", "position": None, "expect": {"x": 9, "y": 9}},
            "conflict",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else value["op"],
)
def test_what_does_not_apply_is_left_out_or_refused(op: dict[str, Any], code: str) -> None:
    good = {"op": "set_field", "node": "read", "field": "name", "value": "Renamed"}
    skipping = apply(FLOW, patch(good, op), on_conflict="skip")
    with pytest.raises(PatchError) as caught:
        apply(FLOW, patch(good, op))

    assert caught.value.code == f"patch.{code}"
    assert caught.value.params["index"] == 1
    assert [(left.index, left.code) for left in skipping.skipped] == [(1, f"patch.{code}")]
    assert skipping.applied == 1
    assert skipping.flow.nodes["read"].name == "Renamed"
    assert FLOW.nodes["read"].name == "Read sales"


def test_removing_a_node_takes_its_edges_and_undo_brings_them_back() -> None:
    applied = apply(FLOW, patch({"op": "remove_node", "id": "read"}))

    assert applied.flow.edges == ()
    assert apply(applied.flow, applied.inverse).flow == FLOW


def test_a_node_changes_its_type_and_keeps_edges_by_a_map_of_ports() -> None:
    ports = {"inputs": {"rows": "items"}}
    op = {"op": "replace_node", "id": "keep", "type": "data.sort", "settings": {}, "ports": ports}
    applied = apply(FLOW, patch(op))

    assert [edge.id for edge in applied.flow.edges] == ["read.rows>keep.items"]
    assert applied.flow.nodes["keep"].version is None
    assert apply(applied.flow, applied.inverse).flow == FLOW


def test_a_port_that_has_no_counterpart_loses_its_edges() -> None:
    op = {"op": "replace_node", "id": "keep", "type": "t", "ports": {"inputs": {"rows": None}}}

    assert apply(FLOW, patch(op)).flow.edges == ()


def test_an_edge_drawn_twice_loses_one() -> None:
    twice = FLOW.replace(edges=[*FLOW.edges, *FLOW.edges])
    applied = apply(twice, patch({"op": "remove_edge", **EDGE}))

    assert applied.flow == FLOW
    assert apply(applied.flow, applied.inverse).flow == twice


@pytest.mark.parametrize(
    "op",
    [
        {"op": "explode"},
        {"op": "set_setting", "node": "keep", "path": [], "value": 1},
        {"op": "set_setting", "node": "keep", "path": ["x"], "value": float("nan")},
        {"op": "set_setting", "node": "keep", "path": [-1], "value": 1},
        {"op": "set_field", "node": "keep", "field": "settings", "value": {}},
        {"op": "add_node", "id": "a b", "node": {"type": "t"}},
        {"op": "add_node", "id": "a", "node": {"type": "t", "setings": {}}},
        {"op": "add_edge", **EDGE, "colour": "red"},
    ],
    ids=str,
)
def test_malformed_operations(op: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        patch(op)


def test_a_difference_is_small_and_expects_what_was() -> None:
    changed = apply(FLOW, patch(set_("deep.a.b", 2), set_("on", 1))).flow

    assert diff(FLOW, changed).model_dump(mode="json")["ops"] == [
        {"op": "set_setting", "node": "keep", "path": ["deep", "a", "b"], "value": 2, "expect": 1},
        {"op": "set_setting", "node": "keep", "path": ["on"], "value": 1, "expect": True},
    ]


def test_what_is_not_expected_is_not_written() -> None:
    assert "expect" not in patch(set_("x", 1)).model_dump()["ops"][0]
    assert patch(set_("x", 1, expect=None)).model_dump()["ops"][0]["expect"] is None


def test_a_summary_reads_like_a_list_of_changes() -> None:
    change = patch(
        set_("where", "item.amount > 100"),
        {"op": "add_node", "id": "show", "node": {"type": "show.table", "name": "Show"}},
        {
            "op": "add_edge",
            "source": "keep",
            "source_port": "rows",
            "target": "show",
            "target_port": "rows",
        },
        {"op": "set_field", "node": "read", "field": "disabled", "value": True},
        {"op": "set_field", "node": "keep", "field": "name", "value": "Large ones"},
        {"op": "set_field", "node": "keep", "field": "notes", "value": None},
        {"op": "set_flow", "field": "mode", "value": "streaming"},
        {"op": "move_node", "node": "read", "position": {"x": 5, "y": 5}},
        {"op": "move_node", "node": "keep", "position": {"x": 5, "y": 5}},
    )

    assert summarise(change, FLOW) == [
        "Set where of keep to item.amount > 100",
        "Add “Show” (show.table)",
        "Connect keep.rows to “Show”.rows",
        "Disable “Read sales”",
        "Rename keep to Large ones",
        "Clear notes of keep",
        "Set mode of the flow to streaming",
        "Move 2 nodes",
    ]
    assert describe(change, FLOW)[0].params == {
        "path": "where", "value": "item.amount > 100", "id": "keep", "name": "keep",
    }  # fmt: skip
