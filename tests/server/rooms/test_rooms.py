"""People in one room, over real sockets."""

import json
from typing import Any

import pytest

from tests.server.rooms.clients import Client
from tests.server.rooms.conftest import Join
from tests.server.support import Person, Server
from weft_server.rooms import connection, protocol
from weft_server.rooms.room import Room


def definition(server: Server, flow_id: str) -> dict[str, Any]:
    answer = server.client(server.owner).get(f"/api/flows/{flow_id}/definition")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def open_room(server: Server, flow_id: str) -> Room:
    (room,) = [room for room in server.app.state.rooms.rooms if room.flow_id == flow_id]
    return room


def test_an_edit_reaches_everybody_and_the_definition(
    server: Server, flow_id: str, join: Join, editor: Person
) -> None:
    ada, eda = join().join(), join(editor).join()
    ada.add_node("read", "file.read_csv")
    eda.until(lambda: "read" in eda.nodes)
    eda.doc["nodes"]["read"]["settings"]["path"] = "a.csv"
    ada.until(lambda: ada.nodes["read"]["settings"] == {"path": "a.csv"})
    assert definition(server, flow_id)["nodes"] == {
        "read": {"type": "file.read_csv", "settings": {"path": "a.csv"}}
    }


def test_a_late_joiner_gets_the_document_and_who_is_here(join: Join, editor: Person) -> None:
    ada = join().join()
    ada.add_node("a")
    ada.show({"cursor": {"x": 1, "y": 2}})
    ada.settle()
    eda = join(editor).join()
    eda.until(lambda: eda.people() == ["Ada"])
    assert set(eda.nodes) == {"a"}
    # At once: before anything but the server's own first words was heard.
    assert len(eda.frames) <= 3


def test_what_was_edited_offline_comes_along(join: Join, editor: Person) -> None:
    ada = join().join()
    ada.add_node("a")
    ada.save()
    ada.close()
    ada.doc["nodes"]["a"]["name"] = "Offline"
    eda = join(editor).join()
    eda.doc["nodes"]["a"]["disabled"] = True
    eda.save()
    back = join(doc=ada.doc).join()
    back.save()
    eda.until(lambda: eda.nodes["a"].get("name") == "Offline")
    back.until(lambda: back.nodes["a"].get("disabled") is True)


def test_saved_means_on_disk(server: Server, flow_id: str, join: Join) -> None:
    ada = join().join()
    ada.add_node("a")
    ada.save()
    stored = server.call(server.app.state.rooms._readings.stored(flow_id))
    assert set(stored.flow.nodes) == {"a"}


def test_a_mark_after_nothing_is_answered_at_once(join: Join) -> None:
    ada = join().join()
    ada.save()
    assert ada.saved == 1


def test_foreign_clients_see_the_plain_protocol(join: Join, viewer: Person) -> None:
    vera = join(viewer).join()
    vera.add_node("x")
    vera.settle()
    assert set(vera.frames) <= {protocol.SYNC, protocol.AWARENESS}


def test_a_burst_is_merged(join: Join, editor: Person) -> None:
    ada, eda = join().join(), join(editor).join()
    ada.add_node("a")
    for step in range(100):
        ada.doc["nodes"]["a"]["position"] = {"x": step, "y": 0}
    eda.until(lambda: eda.nodes.get("a", {}).get("position", {}).get("x") == 99)
    assert eda.updates < 60


def test_a_patch_over_rest_is_seen_live(
    server: Server, flow_id: str, join: Join, editor: Person
) -> None:
    ada = join().join()
    ops = [
        {"op": "add_node", "id": "a", "node": {"type": "data.filter"}},
        {"op": "set_setting", "node": "a", "path": "where", "value": "item.x > 1"},
    ]
    answer = server.client(editor).post(f"/api/flows/{flow_id}/patches", json={"ops": ops})
    assert answer.status_code == 200, answer.text
    ada.until(lambda: ada.nodes.get("a", {}).get("settings") == {"where": "item.x > 1"})
    assert ada.updates == 1

    inverse = answer.json()["inverse"]
    undone = server.client(editor).post(
        f"/api/flows/{flow_id}/patches", json={"ops": inverse["ops"]}
    )
    assert undone.status_code == 200, undone.text
    ada.until(lambda: ada.nodes == {})


def test_a_patch_that_does_not_fit(server: Server, flow_id: str) -> None:
    client = server.client(server.owner)
    ops: list[dict[str, Any]] = [
        {"op": "set_field", "node": "gone", "field": "name", "value": "x"},
        {"op": "add_node", "id": "b", "node": {"type": "data.filter"}},
    ]
    refused = client.post(f"/api/flows/{flow_id}/patches", json={"ops": ops})
    assert (refused.status_code, refused.json()["code"]) == (422, "patch.unknown_node")
    assert "nodes" not in definition(server, flow_id)
    skipped = client.post(f"/api/flows/{flow_id}/patches", json={"ops": ops, "on_conflict": "skip"})
    assert skipped.json()["applied"] == 1
    assert [one["code"] for one in skipped.json()["skipped"]] == ["patch.unknown_node"]
    assert set(definition(server, flow_id)["nodes"]) == {"b"}


def test_a_viewer_may_read_but_not_patch(server: Server, flow_id: str, viewer: Person) -> None:
    client = server.client(viewer)
    assert client.get(f"/api/flows/{flow_id}/definition").status_code == 200
    assert client.post(f"/api/flows/{flow_id}/check").status_code == 200
    refused = client.post(f"/api/flows/{flow_id}/patches", json={"ops": []})
    assert (refused.status_code, refused.json()["code"]) == (403, "auth.forbidden")


def test_the_check_reports_what_is_hidden(server: Server, flow_id: str, join: Join) -> None:
    ada = join().join()
    ada.add_node("a")
    edge = {"source": "a", "source_port": "rows", "target": "gone", "target_port": "rows"}
    ada.doc["edges"]["a.rows>gone.rows"] = edge
    ada.save()
    report = server.client(server.owner).post(f"/api/flows/{flow_id}/check").json()
    first = report["problems"][0]
    assert (first["code"], first["edge"]) == ("document.dangling_edge", "a.rows>gone.rows")
    assert first["message"]
    assert "check.missing_input" in {problem["code"] for problem in report["problems"]}


def test_the_row_of_the_flow_follows_the_document(server: Server, flow_id: str, join: Join) -> None:
    ada = join().join()
    ada.doc["meta"]["name"] = "Renamed in the room"
    ada.add_node("a", position={"x": 10, "y": 20})
    ada.save()
    room = open_room(server, flow_id)
    server.call(_finish(server, room))
    info = server.client(server.owner).get(f"/api/flows/{flow_id}").json()
    assert info["name"] == "Renamed in the room"
    assert info["preview"]["nodes"] == [
        {"x": 10.0, "y": 20.0, "category": "process", "parent": None}
    ]


async def _finish(server: Server, room: Room) -> None:
    entry = server.app.state.rooms._live(room.flow_id)
    await entry.upkeep.finish()


def test_renaming_over_rest_reaches_the_room(server: Server, flow_id: str, join: Join) -> None:
    ada = join().join()
    answer = server.client(server.owner).patch(f"/api/flows/{flow_id}", json={"name": "Anew"})
    assert answer.status_code == 200, answer.text
    ada.until(lambda: json.loads(str(ada.doc["meta"]))["name"] == "Anew")


def test_an_old_epoch_must_reload(join: Join) -> None:
    assert join(query="?epoch=1", greet=False) is not None
    assert join(query="?epoch=7", greet=False).closed() == protocol.CLOSE_RELOAD


def test_a_lone_user_hears_the_server(join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    # A provider drops the connection after 30 seconds of silence; nobody wants to wait that long.
    assert connection.KEEP_ALIVE_SECONDS < 15
    monkeypatch.setattr(connection, "KEEP_ALIVE_SECONDS", 0.1)
    ada = join().join()
    ada.frames.clear()
    ada.until(lambda: protocol.AWARENESS in ada.frames)
    assert ada.states == {}


def test_a_text_frame_is_refused(join: Join) -> None:
    ada = join().join()
    ada.socket.send("hello")
    assert ada.closed() == protocol.CLOSE_MALFORMED


def test_many_flows_at_once(server: Server, flow_id: str, join: Join) -> None:
    client = server.client(server.owner)
    other = client.post("/api/flows", json={"name": "Other"}).json()["id"]
    here, there = join().join(), Client(server, other, server.owner).join()
    here.add_node("here")
    there.add_node("there")
    here.save()
    there.save()
    assert set(definition(server, flow_id)["nodes"]) == {"here"}
    assert set(definition(server, other)["nodes"]) == {"there"}
    there.close()
