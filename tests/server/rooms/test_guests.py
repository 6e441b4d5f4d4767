"""Who may come in, who may write, and under which name."""

import secrets
from typing import Any

import pytest
from pycrdt import Doc, Map

from tests.server.rooms.clients import Client, new_doc
from tests.server.rooms.conftest import Join, over
from tests.server.rooms.test_rooms import definition, open_room
from tests.server.support import Person, Server
from weft_server.rooms import codec, protocol, rights
from weft_server.rooms.protocol import Presence


def nodes_of(server: Server, flow_id: str) -> dict[str, Any]:
    found: dict[str, Any] = definition(server, flow_id).get("nodes", {})
    return found


# Coming in


def test_signed_out(server: Server, flow_id: str) -> None:
    client = Client(server, flow_id, None, greet=False)
    assert client.closed() == protocol.CLOSE_SIGNED_OUT
    client.close()


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1"])
def test_pages_of_other_sites(server: Server, flow_id: str, join: Join, origin: str) -> None:
    assert join(headers={"Origin": origin}, greet=False).closed() == protocol.CLOSE_NO_ACCESS


def test_a_cookie_without_origin(join: Join) -> None:
    assert join(headers={}, greet=False).closed() == protocol.CLOSE_NO_ACCESS


def test_a_key_needs_no_origin(server: Server, flow_id: str) -> None:
    made = server.client(server.owner).post("/api/keys", json={"name": "script"}).json()
    headers = {"Authorization": f"Bearer {made['key']}"}
    client = Client(server, flow_id, None, headers=headers).join()
    client.add_node("by_key")
    client.save()
    assert "by_key" in nodes_of(server, flow_id)
    client.close()


def test_a_wrong_key(server: Server, flow_id: str) -> None:
    headers = {"Authorization": f"Bearer weft_{secrets.token_hex(8)}"}
    client = Client(server, flow_id, None, headers=headers, greet=False)
    assert client.closed() == protocol.CLOSE_SIGNED_OUT
    client.close()


@pytest.mark.parametrize("flow", ["nothing", "flw_01J00000000000000000000000"])
def test_no_such_flow(server: Server, flow: str) -> None:
    client = Client(server, flow, server.owner, greet=False)
    assert client.closed() == protocol.CLOSE_NOT_FOUND
    client.close()


def test_the_flow_of_somebody_else(server: Server, flow_id: str) -> None:
    stranger = server.make_user("sid@example.org", None)
    client = Client(server, flow_id, stranger, greet=False)
    assert client.closed() == protocol.CLOSE_NOT_FOUND
    client.close()
    web = server.client(stranger)
    for method, path in (("GET", "definition"), ("POST", "patches"), ("POST", "check")):
        answer = web.request(method, f"/api/flows/{flow_id}/{path}", json={"ops": []})
        assert (answer.status_code, answer.json()["code"]) == (404, "flow.not_found")


# Viewers


def viewer_writes(client: Client) -> None:
    other = Doc({"nodes": Map()})
    other["nodes"]["hack"] = Map({"type": "data.filter"})
    client.send(protocol.update_frame(other.get_update()))
    client.send(protocol.state_answer(other.get_update()))


def test_viewers_change_nothing(server: Server, flow_id: str, join: Join, viewer: Person) -> None:
    ada, vera = join().join(), join(viewer).join()
    ada.add_node("a")
    vera.until(lambda: "a" in vera.nodes)
    vera.mark()
    vera.until(lambda: vera.saved == 1)
    viewer_writes(vera)
    del vera.doc["nodes"]["a"]
    vera.until(lambda: len(vera.refused) == 3)
    assert set(vera.refused) == {"document.read_only"}
    ada.save()
    assert set(nodes_of(server, flow_id)) == {"a"}
    # What was dropped is never called saved.
    vera.mark()
    vera.settle()
    assert vera.saved == 1
    assert set(ada.nodes) == {"a"}


def test_viewers_who_never_ask_are_told_nothing(join: Join, viewer: Person) -> None:
    vera = join(viewer).join()
    viewer_writes(vera)
    vera.settle()
    assert vera.refused == []
    vera.mark()
    vera.until(lambda: vera.refused == ["document.read_only"])


def test_viewers_show_their_cursor(join: Join, viewer: Person) -> None:
    ada, vera = join().join(), join(viewer).join()
    vera.show({"cursor": {"x": 5, "y": 6}})
    ada.until(lambda: ada.people() == ["Vera"])


def test_a_promoted_viewer_brings_what_was_dropped(
    server: Server, flow_id: str, join: Join, viewer: Person
) -> None:
    vera = join(viewer).join()
    vera.add_node("mine")
    vera.settle()
    assert nodes_of(server, flow_id) == {}
    set_role(server, viewer, "editor")
    vera.until(lambda: vera.asked == 2)
    vera.save()
    assert set(nodes_of(server, flow_id)) == {"mine"}


# Rights that end


def set_role(server: Server, person: Person, role: str) -> None:
    members = f"/api/workspaces/{server.workspace_id}/members"
    answer = server.client(server.owner).patch(f"{members}/{person.id}", json={"role": role})
    assert answer.status_code == 200, answer.text


def test_a_demoted_editor_cannot_write(
    server: Server, flow_id: str, join: Join, editor: Person
) -> None:
    eda = join(editor).join()
    eda.add_node("before")
    eda.save()
    set_role(server, editor, "viewer")
    room = open_room(server, flow_id)
    server.call(over(lambda: any(one.can_edit for one in room.connections)))
    eda.add_node("after")
    eda.mark()
    eda.until(lambda: eda.refused == ["document.read_only"])
    assert set(nodes_of(server, flow_id)) == {"before"}


def test_a_removed_member_is_sent_away(
    server: Server, flow_id: str, join: Join, editor: Person
) -> None:
    eda = join(editor).join()
    members = f"/api/workspaces/{server.workspace_id}/members"
    server.client(server.owner).delete(f"{members}/{editor.id}")
    assert eda.closed() == protocol.CLOSE_NO_ACCESS


def test_signing_out_closes_the_room(server: Server, join: Join, editor: Person) -> None:
    eda = join(editor).join()
    assert server.client(editor).delete("/api/session").status_code == 204
    assert eda.closed() == protocol.CLOSE_SIGNED_OUT


def test_a_deleted_flow_is_closed(server: Server, flow_id: str, join: Join) -> None:
    ada = join().join()
    assert server.client(server.owner).delete(f"/api/flows/{flow_id}").status_code == 204
    assert ada.closed() == protocol.CLOSE_NOT_FOUND


def test_a_shared_flow_that_is_not_shared_any_more(server: Server, flow_id: str) -> None:
    guest = server.make_user("gus@example.org", None)
    shares = f"/api/flows/{flow_id}/shares"
    owner = server.client(server.owner)
    body = {"items": [{"email": guest.email, "role": "editor"}]}
    assert owner.put(shares, json=body).status_code == 200
    gus = Client(server, flow_id, guest).join()
    gus.add_node("g")
    gus.save()
    assert owner.put(shares, json={"items": []}).status_code == 200
    assert gus.closed() == protocol.CLOSE_NO_ACCESS
    gus.close()


def test_what_nobody_told_of_is_found_by_looking_again(
    server: Server, flow_id: str, editor: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert rights.SWEEP_SECONDS <= 30
    monkeypatch.setattr(rights, "SWEEP_SECONDS", 0.05)
    server.stop()
    server.start()
    eda = Client(server, flow_id, editor).join()
    with server.database.transaction() as session:
        run = session.connection().exec_driver_sql
        run("DELETE FROM member WHERE user_id = ?", (editor.id,))
    assert eda.closed() == protocol.CLOSE_NO_ACCESS
    eda.close()


def test_nobody_is_sent_away_for_an_error_of_the_database(
    server: Server, flow_id: str, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = join().join()
    watch = server.app.state.rights
    room = open_room(server, flow_id)
    seats = [(room, one) for one in room.connections]
    # A table that cannot be read is a real error of the database.
    with server.database.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE flow RENAME TO flow_away")
    server.call(watch.check(seats))
    with server.database.transaction() as session:
        session.connection().exec_driver_sql("ALTER TABLE flow_away RENAME TO flow")
    ada.add_node("still_here")
    ada.save()


# Names


def test_nobody_speaks_under_the_name_of_another(join: Join, editor: Person) -> None:
    ada, eda = join().join(), join(editor).join()
    eda.show({"user": {"id": "x", "name": "FAKE ADMIN", "color": "#fff"}, "cursor": {"x": 1}})
    ada.until(lambda: eda.doc.client_id in ada.states)
    shown = ada.states[eda.doc.client_id]
    assert shown["user"]["name"] == "Eda"
    assert shown["user"]["id"] == editor.id
    assert shown["cursor"] == {"x": 1}


def test_nobody_speaks_for_another(join: Join, editor: Person) -> None:
    ada, eda = join().join(), join(editor).join()
    ada.show({"cursor": {"x": 1}})
    eda.until(lambda: ada.doc.client_id in eda.states)
    for clock in (2, 5, 1000):
        for text in ('{"cursor":{"x":666}}', None):
            eda.send(protocol.awareness_frame([Presence(ada.doc.client_id, clock, text)]))
    eda.show({"cursor": {"x": 2}})
    ada.until(lambda: eda.doc.client_id in ada.states)
    ada.show({"cursor": {"x": 3}})
    eda.until(lambda: eda.states[ada.doc.client_id].get("cursor") == {"x": 3})
    assert ada.clocks[ada.doc.client_id] <= 2


def test_echoes_of_others_are_not_passed_on(join: Join, editor: Person) -> None:
    ada, eda = join().join(), join(editor).join()
    ada.show({"cursor": {"x": 1}})
    eda.show({"cursor": {"x": 2}})
    eda.until(lambda: len(eda.states) == 2)
    ada.settle()
    ada.frames.clear()
    for _ in range(20):
        eda.send(
            protocol.awareness_frame(
                [Presence(ada.doc.client_id, 1, "{}"), Presence(eda.doc.client_id, 1, "{}")]
            )
        )
    eda.settle()
    ada.settle()
    assert protocol.AWARENESS not in ada.frames


def test_who_leaves_is_gone_at_once(join: Join, editor: Person) -> None:
    ada, eda = join().join(), join(editor).join()
    eda.show({"cursor": None})
    ada.until(lambda: ada.people() == ["Eda"])
    clock = ada.clocks[eda.doc.client_id]
    eda.drop()
    ada.until(lambda: ada.people() == [], patience=15)
    # The same clock: a greater one would hide the same client when it comes back.
    assert ada.clocks[eda.doc.client_id] == clock


def test_a_second_connection_takes_over_the_presence(join: Join, editor: Person) -> None:
    ada, eda = join().join(), join(editor).join()
    eda.show({"cursor": {"x": 1}})
    ada.until(lambda: eda.doc.client_id in ada.states)
    again = join(editor, doc=new_doc(eda.doc.client_id)).join()
    again._clock = 5
    again.show({"cursor": {"x": 9}})
    ada.until(lambda: ada.states[eda.doc.client_id]["cursor"] == {"x": 9})
    eda.drop()
    ada.settle()
    again.show({"cursor": {"x": 10}})
    ada.until(lambda: ada.states[eda.doc.client_id]["cursor"] == {"x": 10})


def test_too_much_presence(join: Join) -> None:
    ada = join().join()
    ada.show({"selection": ["x" * 5000]})
    assert ada.closed() == protocol.CLOSE_MALFORMED


# Client ids


def update_under(client_id: int, key: str, clock_from: "Doc[Map[Any]] | None" = None) -> bytes:
    doc = new_doc(client_id)
    if clock_from is not None:
        doc.apply_update(clock_from.get_update())
    state = doc.get_state()
    doc["nodes"][key] = Map({"type": "data.filter"})
    return doc.get_update(state)


def test_nobody_writes_under_the_id_of_another(
    server: Server, flow_id: str, join: Join, editor: Person
) -> None:
    """pycrdt would take it, and the victim's own next edits would vanish without a word."""
    ada, eda = join().join(), join(editor).join()
    ada.add_node("hers")
    eda.until(lambda: "hers" in eda.nodes)
    forged = update_under(ada.doc.client_id, "forged", eda.doc)
    eda.answers_no_requests()
    eda.send(protocol.update_frame(forged))
    eda.send(protocol.state_answer(forged))
    eda.settle()
    assert set(nodes_of(server, flow_id)) == {"hers"}
    ada.add_node("next")
    ada.save()
    assert set(nodes_of(server, flow_id)) == {"hers", "next"}


def test_an_id_is_taken_as_soon_as_it_is_shown(
    server: Server, flow_id: str, join: Join, editor: Person
) -> None:
    ada, eda = join().join(), join(editor).join()
    ada.show({"cursor": None})
    eda.until(lambda: ada.doc.client_id in eda.states)
    eda.answers_no_requests()
    eda.send(protocol.update_frame(update_under(ada.doc.client_id, "forged")))
    eda.settle()
    ada.add_node("hers")
    ada.save()
    assert set(nodes_of(server, flow_id)) == {"hers"}


def test_ids_are_remembered_by_the_log(
    server: Server, flow_id: str, join: Join, editor: Person
) -> None:
    ada = join().join()
    ada.add_node("hers")
    ada.save()
    ada.close()
    server.stop()
    server.start()
    eda = Client(server, flow_id, editor).join()
    eda.answers_no_requests()
    eda.send(protocol.update_frame(update_under(ada.doc.client_id, "forged", eda.doc)))
    eda.settle()
    assert set(nodes_of(server, flow_id)) == {"hers"}
    eda.close()


def test_what_somebody_absent_wrote_may_be_brought_along(
    server: Server, flow_id: str, join: Join, editor: Person
) -> None:
    """After a crash of the server others may hold what was broadcast and not yet on disk."""
    ada = join().join()
    ada.add_node("stored")
    ada.save()
    ada.close()
    # Only eda heard of this edit of hers.
    ada.doc["nodes"]["lost"] = Map({"type": "data.filter"})
    eda = join(editor, doc=copy_of(ada.doc)).join()
    eda.save()
    assert set(nodes_of(server, flow_id)) == {"stored", "lost"}
    # And hers it stays: she goes on under her id.
    back = join(doc=ada.doc).join()
    back.add_node("more")
    back.save()
    assert set(nodes_of(server, flow_id)) == {"stored", "lost", "more"}


def copy_of(doc: "Doc[Map[Any]]") -> "Doc[Map[Any]]":
    copy = new_doc()
    copy.apply_update(doc.get_update())
    return copy


def test_who_is_here_brings_it_herself(
    server: Server, flow_id: str, join: Join, editor: Person
) -> None:
    ada = join().join()
    ada.add_node("a")
    ada.save()
    unsent = new_doc(ada.doc.client_id)
    unsent.apply_update(ada.doc.get_update())
    unsent["nodes"]["unsent"] = Map({"type": "data.filter"})
    eda = join(editor, doc=copy_of(unsent)).join()
    eda.mark()
    eda.settle()
    assert set(nodes_of(server, flow_id)) == {"a"}
    assert eda.saved is None
    ada.send(protocol.update_frame(unsent.get_update(ada.doc.get_state())))
    # The server asks again, and now there is nothing that it would not take.
    eda.until(lambda: eda.saved == 1)
    assert set(nodes_of(server, flow_id)) == {"a", "unsent"}


def test_marks_are_a_number(join: Join) -> None:
    ada = join().join()
    ada.send(bytes((protocol.MARK,)) + codec.uint(7) + b"\x00")
    assert ada.closed() == protocol.CLOSE_MALFORMED
