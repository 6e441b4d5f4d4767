"""Documents: what is written is read again, and patches change them in place."""

import json
from typing import Any

import pytest
from hypothesis import assume, given, settings
from pycrdt import Map, Text

from tests.server.rooms.flows import SCHEMA, flows, patches
from weft_engine.errors import PatchError
from weft_engine.flow.model import Flow
from weft_engine.flow.patch import Patch, apply
from weft_server.rooms.document import (
    Document,
    apply_patch,
    empty_document,
    new_document,
    plain,
    read,
    write,
)


def text_of(flow: Flow) -> str:
    return json.dumps(flow.model_dump(mode="json"), sort_keys=True)


def reading(doc: Document) -> Flow:
    return read(plain(doc), multiple=SCHEMA.multiple)[0]


def live(flow: Flow) -> Document:
    doc = empty_document()
    write(doc, flow, SCHEMA)
    return doc


@settings(max_examples=150, deadline=None)
@given(flows())
def test_what_is_written_is_read_again(flow: Flow) -> None:
    doc = empty_document()
    doc.apply_update(new_document(flow, SCHEMA))
    found, problems = read(plain(doc), multiple=SCHEMA.multiple)
    assert problems == []
    assert text_of(found) == text_of(flow)


@settings(max_examples=400, deadline=None)
@given(flows(), patches)
def test_a_patched_document_reads_as_the_patched_flow(flow: Flow, patch: Patch) -> None:
    applied = apply(flow, patch, on_conflict="skip")
    wanted = applied.flow.model_copy(update={"outputs": tuple(sorted(applied.flow.outputs))})
    assume(text_of(reading(live(wanted))) == text_of(wanted))
    doc = live(flow)
    done = apply_patch(doc, patch, SCHEMA, origin="test", on_conflict="skip")
    assert text_of(reading(doc)) == text_of(wanted)
    assert (done.applied, done.skipped) == (applied.applied, applied.skipped)

    apply_patch(doc, done.inverse, SCHEMA, origin="test")
    assert text_of(reading(doc)) == text_of(flow)


@settings(max_examples=60, deadline=None)
@given(flows(), patches)
def test_a_patch_is_one_transaction(flow: Flow, patch: Patch) -> None:
    doc = live(flow)
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    before = reading(doc)
    done = apply_patch(doc, patch, SCHEMA, origin="test", on_conflict="skip")
    doc.unobserve(subscription)
    assert len(updates) <= 1
    if text_of(done.flow) == text_of(before):
        assert updates == []


TWO = Flow.model_validate(
    {
        "format": "weft/1",
        "name": "Two",
        "nodes": {
            "a": {"type": "text.template", "settings": {"template": "Dear you", "size": 3}},
            "b": {"type": "data.filter", "position": {"x": 1, "y": 2}},
        },
        "edges": [{"source": "a", "source_port": "out", "target": "b", "target_port": "rows"}],
    }
)


def patched(doc: Document, *ops: dict[str, Any]) -> None:
    apply_patch(doc, Patch.model_validate({"ops": ops}), SCHEMA, origin="test")


def test_a_node_is_born_with_all_its_containers() -> None:
    node = live(TWO)["nodes"]["b"]
    assert isinstance(node["settings"], Map)
    assert isinstance(node["texts"], Map)
    assert {"inputs", "variables", "outputs", "schema", "epoch"} <= set(live(TWO)["meta"].keys())


def test_long_texts_are_shared_texts() -> None:
    doc = live(TWO)
    template = doc["nodes"]["a"]["texts"]["template"]
    assert isinstance(template, Text)
    assert "template" not in doc["nodes"]["a"]["settings"]
    patched(
        doc, {"op": "set_setting", "node": "a", "path": "template", "value": "Dear 😀 all of you"}
    )
    # The same shared text, so that a cursor in it stays where it was.
    assert str(template) == "Dear 😀 all of you"


def test_a_concurrent_edit_of_the_same_text_survives_a_patch() -> None:
    doc, other = live(TWO), empty_document()
    other.apply_update(doc.get_update())
    other["nodes"]["a"]["texts"]["template"].insert(8, "!")
    patched(doc, {"op": "set_setting", "node": "a", "path": "template", "value": "Hello you"})
    doc.apply_update(other.get_update(doc.get_state()))
    assert reading(doc).nodes["a"].settings["template"] == "Hello you!"


def test_a_concurrent_edit_of_another_setting_survives_a_patch() -> None:
    doc, other = live(TWO), empty_document()
    other.apply_update(doc.get_update())
    other["nodes"]["a"]["settings"]["size"] = 9
    other["nodes"]["b"]["position"] = {"x": 50, "y": 60}
    patched(
        doc,
        {"op": "set_setting", "node": "a", "path": "other", "value": True},
        {"op": "set_field", "node": "b", "field": "name", "value": "Keep"},
    )
    doc.apply_update(other.get_update(doc.get_state()))
    flow = reading(doc)
    assert flow.nodes["a"].settings == {"template": "Dear you", "size": 9, "other": True}
    assert flow.nodes["b"].name == "Keep"
    assert flow.nodes["b"].position is not None
    assert flow.nodes["b"].position.x == 50


def test_a_node_that_comes_back_does_not_bring_old_edges_along() -> None:
    doc, other = live(TWO), empty_document()
    other.apply_update(doc.get_update())
    del other["nodes"]["b"]
    patched(doc, {"op": "set_field", "node": "a", "field": "name", "value": "A"})
    doc.apply_update(other.get_update(doc.get_state()))
    assert reading(doc).edges == ()
    patched(doc, {"op": "add_node", "id": "b", "node": {"type": "data.filter"}})
    assert reading(doc).edges == ()


def test_a_rejected_patch_changes_nothing() -> None:
    doc = live(TWO)
    before = doc.get_update()
    with pytest.raises(PatchError) as caught:
        patched(
            doc,
            {"op": "set_field", "node": "a", "field": "name", "value": "A"},
            {"op": "remove_node", "id": "gone"},
        )
    assert caught.value.code == "patch.unknown_node"
    assert doc.get_update() == before


def test_nodes_of_other_clients_are_changed_too() -> None:
    doc = empty_document()
    doc["nodes"]["p"] = {"type": "text.template", "settings": {"a": 1, "b": 2}}
    doc["nodes"]["q"] = Map({"type": "text.template"})
    doc["edges"]["odd key"] = {
        "source": "p", "source_port": "out", "target": "q", "target_port": "rows"
    }  # fmt: skip
    doc["notes"]["n"] = {"text": "plain", "position": {"x": 0, "y": 0}}
    patched(
        doc,
        {"op": "set_setting", "node": "p", "path": "a", "value": 5},
        {"op": "set_setting", "node": "q", "path": "template", "value": "Hi"},
        {"op": "remove_edge", "source": "p", "source_port": "out", "target": "q",
         "target_port": "rows"},
        {"op": "set_note", "id": "n", "note": {"text": "shared", "position": {"x": 0, "y": 0}}},
    )  # fmt: skip
    flow = reading(doc)
    assert flow.nodes["p"].settings == {"a": 5, "b": 2}
    assert flow.nodes["q"].settings == {"template": "Hi"}
    assert flow.edges == ()
    assert flow.notes["n"].text == "shared"
    assert isinstance(doc["notes"]["n"]["text"], Text)
