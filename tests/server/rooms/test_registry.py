"""Rooms open once, stay while they are needed, and close without losing anything."""

import asyncio
import gc
import threading
import weakref
from typing import Any

import pytest

from tests.server.rooms.clients import Client
from tests.server.rooms.conftest import Join, over
from tests.server.rooms.test_rooms import definition
from tests.server.support import Person, Server
from weft_engine.flow.model import Flow
from weft_engine.flow.patch import Patch
from weft_server.errors import Missing
from weft_server.rooms import protocol
from weft_server.rooms.assembly import assemble, empty_document
from weft_server.rooms.document import new_document
from weft_server.rooms.registry import Rooms
from weft_server.rooms.schema import Schema

ADD = Patch.model_validate(
    {"ops": [{"op": "add_node", "id": "a", "node": {"type": "data.filter"}}]}
)


@pytest.fixture
def rooms(server: Server) -> Rooms:
    """The rooms of the server, which close as soon as nobody is in them."""
    found: Rooms = server.app.state.rooms
    found._idle_seconds = 0
    return found


def wait_until_closed(server: Server, rooms: Rooms) -> None:
    def is_open() -> bool:
        return bool(rooms._opening)

    server.call(over(is_open))


def test_fifty_come_to_a_cold_room_at_once(server: Server, flow_id: str) -> None:
    """What happens after a restart, when all tabs come back."""
    with server.database.transaction() as session:
        session.connection().exec_driver_sql("SELECT 1")
    seed = Client(server, flow_id, server.owner).join()
    seed.add_node("a")
    seed.save()
    seed.close()
    server.stop()
    server.start()
    ready = threading.Barrier(50)
    clients: list[Client] = []
    failures: list[BaseException] = []

    def come() -> None:
        try:
            ready.wait(30)
            client = Client(server, flow_id, server.owner).join()
            assert set(client.nodes) == {"a"}
            clients.append(client)
        except BaseException as error:  # noqa: BLE001 - it is raised again outside
            failures.append(error)

    threads = [threading.Thread(target=come) for _ in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    (room,) = server.app.state.rooms.rooms
    assert len(room.connections) == 50
    for client in clients:
        client.close()


def test_leaving_right_after_typing(server: Server, flow_id: str, rooms: Rooms, join: Join) -> None:
    for round_ in range(10):
        ada = join().join()
        ada.add_node(f"n{round_}")
        ada.close()
        wait_until_closed(server, rooms)
    assert rooms.rooms == []
    assert len(definition(server, flow_id)["nodes"]) == 10


def test_leaving_right_after_a_long_edit(
    server: Server, flow_id: str, rooms: Rooms, join: Join
) -> None:
    for round_ in range(5):
        ada = join().join()
        ada.add_node(f"n{round_}", notes="x" * 90_000)
        ada.close()
        wait_until_closed(server, rooms)
    assert len(definition(server, flow_id)["nodes"]) == 5


def test_coming_while_the_room_closes(
    server: Server, flow_id: str, rooms: Rooms, join: Join
) -> None:
    for round_ in range(30):
        ada = join().join()
        ada.add_node(f"n{round_}")
        ada.close()
        eda = join().join()
        eda.save()
        assert len(eda.nodes) == round_ + 1
        eda.close()


def test_a_closed_room_is_freed(server: Server, flow_id: str, rooms: Rooms, join: Join) -> None:
    seen: list[weakref.ref[Any]] = []
    for _ in range(3):
        ada = join().join()
        ada.add_node("a")
        ada.save()
        seen.extend(weakref.ref(room) for room in rooms.rooms)
        seen.extend(weakref.ref(room.replica.doc) for room in rooms.rooms)
        ada.close()
        wait_until_closed(server, rooms)

    def alive() -> list[Any]:
        gc.collect()
        return [one() for one in seen if one() is not None]

    server.call(over(alive))


def test_nobody_is_lost_when_loading_fails(server: Server, flow_id: str, rooms: Rooms) -> None:
    """A document that cannot be read is not a new document."""
    run = "UPDATE doc SET rev = rev {} 1"
    with server.database.transaction() as session:
        session.connection().exec_driver_sql(run.format("+"))
    client = Client(server, flow_id, server.owner)
    assert client.closed() == protocol.CLOSE_TRY_LATER
    client.close()
    answer = server.client(server.owner).get(f"/api/flows/{flow_id}/definition")
    assert (answer.status_code, answer.json()["code"]) == (503, "document.damaged")
    with server.database.transaction() as session:
        session.connection().exec_driver_sql(run.format("-"))
    client = Client(server, flow_id, server.owner).join()
    client.close()


def test_definitions_are_read_once(server: Server, flow_id: str, rooms: Rooms) -> None:
    first, _ = server.call(rooms.definition(flow_id))
    again, _ = server.call(rooms.definition(flow_id))
    assert again is first
    wait_until_closed(server, rooms)
    server.call(rooms.apply(flow_id, ADD, origin="test", actor="system"))
    changed, _ = server.call(rooms.definition(flow_id))
    assert set(changed.nodes) == {"a"}


def test_live_definitions_follow_every_change(
    server: Server, flow_id: str, rooms: Rooms, join: Join
) -> None:
    ada = join().join()
    for number in range(20):
        ada.add_node(f"n{number}")
        ada.save()
        flow, _ = server.call(rooms.definition(flow_id))
        assert len(flow.nodes) == number + 1


def test_patches_at_the_same_time(server: Server, flow_id: str, rooms: Rooms) -> None:
    async def work() -> None:
        patches = [
            Patch.model_validate(
                {"ops": [{"op": "add_node", "id": f"n{n}", "node": {"type": "data.filter"}}]}
            )
            for n in range(40)
        ]
        await asyncio.gather(
            *(rooms.apply(flow_id, one, origin="test", actor="system") for one in patches)
        )

    server.call(work())
    wait_until_closed(server, rooms)
    assert len(definition(server, flow_id)["nodes"]) == 40


def test_no_document(server: Server, rooms: Rooms) -> None:
    for work in (
        rooms.definition("flw_none"),
        rooms.apply("flw_none", ADD, origin="test", actor="system"),
        rooms.set_name("flw_none", "x"),
    ):
        with pytest.raises(Missing):
            server.call(work)
    assert rooms._opening == {}


def test_names_can_be_set(server: Server, flow_id: str, rooms: Rooms) -> None:
    server.call(rooms.set_name(flow_id, "Another name"))
    assert definition(server, flow_id)["name"] == "Another name"


def test_a_room_stays_for_those_who_come_soon(server: Server, flow_id: str, join: Join) -> None:
    ada = join().join()
    (room,) = server.app.state.rooms.rooms
    ada.close()
    assert join().join().asked == 1
    assert server.app.state.rooms.rooms == [room]


# Three maps at one key, a character in the text of the first, and what was once made of half a
# character beside it. Together they make pycrdt 0.14.13 panic.
BROKEN_LOG = [
    bytes.fromhex(update)
    for update in (
        "0108ba09a5032701056e6f646573026e30012800ba09a503047479706501770d746578742e74656d706c6174"
        "652800ba09a50308706f736974696f6e01760201797cbf00000001787c41f800002700ba09a5030873657474"
        "696e6773012800ba09a80304646565700175027c3f800000760201627502787706c3a9f09f988001617e2700"
        "ba09a503057465787473012700ba09aa030874656d706c617465020400ba09ab031944656172207b7b206974"
        "656d2e6e616d65207d7d20f09f988000",
        "0108ba09a304a7ba09a503012800ba09a304047479706501770d746578742e74656d706c6174652800ba09a3"
        "0408706f736974696f6e01760201787c4218000001797cbf0000002700ba09a3040873657474696e67730128"
        "00ba09a60404646565700175027c3f800000760201617e01627502787706c3a9f09f98802700ba09a3040574"
        "65787473012700ba09a8040874656d706c617465020400ba09a9041944656172207b7b206974656d2e6e616d"
        "65207d7d20f09f988001ba0902a5031ee10301",
        "0108ba099905a7ba09a304012800ba099905047479706501770d746578742e74656d706c6174652800ba0999"
        "0508706f736974696f6e01760201787c4250000001797cbf0000002700ba0999050873657474696e67730128"
        "00ba099c0504646565700175027c3f800000760201617e01627502787706c3a9f09f98802700ba0999050574"
        "65787473012700ba099e050874656d706c617465020400ba099f051944656172207b7b206974656d2e6e616d"
        "65207d7d20f09f988000",
        "0101ff550044ba09a20504f09f988000",
        "0101ff5502c4ff5501ba0982050000",
    )
]


def test_an_update_that_panics_is_left_out() -> None:
    """One bad row, from before a guard knew better, must not close a flow for good."""
    with pytest.raises(BaseException, match="unwrap") as caught:
        _apply_all(BROKEN_LOG)
    assert not isinstance(caught.value, Exception)
    doc = assemble(BROKEN_LOG)
    assert doc["nodes"].to_py() == assemble(BROKEN_LOG[:-1])["nodes"].to_py()
    assert set(doc["nodes"].keys()) == {"n0"}


def _apply_all(updates: list[bytes]) -> None:
    doc = empty_document()
    for update in updates:
        doc.apply_update(update)


def test_new_documents_have_ids_of_their_own() -> None:
    flow = Flow(name="Same")
    assert new_document(flow, Schema()) != new_document(flow, Schema())


def test_a_person_may_hold_several_rooms(server: Server, flow_id: str, editor: Person) -> None:
    made = server.client(editor).post("/api/flows", json={"name": "Second"}).json()["id"]
    first, second = Client(server, flow_id, editor).join(), Client(server, made, editor).join()
    first.add_node("one")
    second.add_node("two")
    first.save()
    second.save()
    assert set(definition(server, flow_id)["nodes"]) == {"one"}
    first.close()
    second.close()
