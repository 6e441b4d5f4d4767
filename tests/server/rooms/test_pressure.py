"""Too much, too fast, too slow, and nonsense."""

import random

import pytest
from pycrdt import Map
from websockets.exceptions import ConnectionClosed

from tests.server.rooms.clients import Client
from tests.server.rooms.conftest import Join
from tests.server.rooms.corpus import honest_updates, mutants
from tests.server.rooms.test_guard import BOMBS, LIES
from tests.server.rooms.test_rooms import definition, open_room
from tests.server.support import Person, Server
from weft_server.rooms import codec, connection, limits, protocol, room
from weft_server.rooms.limits import Bucket

FRAMES = {
    "empty": b"",
    "unknown type": b"\x63\x00",
    "sync without step": b"\x00",
    "unknown step": b"\x00\x03\x00",
    "length beyond the end": b"\x00\x02\x7f\x00",
    "state vector bomb": b"\x00\x00\x05\x80\x80\x80\x80\x01",
    "awareness bomb": b"\x01\x05\xff\xff\xff\xff\x0f",
    "awareness that is cut": b"\x01\x03\x01\x05\x01",
    "mark without number": b"\x65",
    "auth": b"\x02\x00",
}


@pytest.mark.parametrize("name", FRAMES)
def test_malformed_frames_close_only_their_sender(join: Join, editor: Person, name: str) -> None:
    ada, eda = join().join(), join(editor).join()
    eda.send(FRAMES[name])
    assert eda.closed() == protocol.CLOSE_MALFORMED
    ada.add_node("fine")
    ada.save()


def test_bombs_close_only_their_sender(
    server: Server, flow_id: str, join: Join, editor: Person
) -> None:
    ada = join().join()
    for bomb in [*BOMBS.values(), *LIES.values()]:
        if len(bomb) > 512_000:
            continue
        eda = join(editor, greet=False)
        eda.answers_no_requests()
        eda.send(protocol.update_frame(bomb))
        # It refers to what is not there: not applied either, but asked for.
        gap = bomb in LIES.values()
        assert gap or eda.closed() == protocol.CLOSE_MALFORMED
        eda.close()
    ada.add_node("fine")
    ada.save()
    assert set(definition(server, flow_id)["nodes"]) == {"fine"}


def test_mutants_over_the_wire(server: Server, flow_id: str, join: Join, editor: Person) -> None:
    """Hundreds of damaged updates from one account; an honest one works on beside it."""
    ada = join().join()
    chance = random.Random(7)
    pool = [*honest_updates(7, 40), *mutants(7, 400)]
    step = 0
    while pool:
        eda = join(editor)
        eda.answers_no_requests()
        try:
            for _ in range(150):
                step = chance.choice([protocol.update_frame, protocol.state_answer])
                eda.send(step(pool.pop()))
                if not pool:
                    break
            eda.settle()
        except ConnectionClosed:
            pass
        eda.close()
        ada.doc["meta"]["name"] = f"{len(pool)} left"
        ada.save()
    assert definition(server, flow_id)["name"] == "0 left"


def test_too_large_an_update(join: Join) -> None:
    ada = join().join()
    ada.doc["meta"]["description"] = "x" * 600_000
    assert ada.closed() == protocol.CLOSE_TOO_BIG


def test_too_large_a_frame_for_the_server(join: Join) -> None:
    ada = join().join()
    ada.send(b"\x00\x02" + codec.block(b"\x00" * 5_000_000))
    # The goodbye may be lost when the server stops reading in the middle of the frame.
    assert ada.closed() in {protocol.CLOSE_TOO_BIG, 1006}


def test_a_large_answer_to_a_sync_is_taken(server: Server, flow_id: str, join: Join) -> None:
    ada = join().join()
    ada.close()
    for number in range(4):
        ada.doc["nodes"][f"n{number}"] = Map({"type": "data.filter", "notes": "x" * 200_000})
    back = join(doc=ada.doc).join()
    back.save()
    assert len(definition(server, flow_id)["nodes"]) == 4


def test_too_many_updates(join: Join, editor: Person) -> None:
    ada, eda = join().join(), join(editor).join()
    for number in range(2_000):
        eda.doc["meta"]["name"] = f"Flow {number}"
    assert eda.closed() == protocol.CLOSE_TOO_FAST
    ada.add_node("fine")
    ada.save()


def test_a_burst_is_no_crime(join: Join) -> None:
    ada = join().join()
    for number in range(limits.UPDATES[1] - 20):
        ada.doc["meta"]["name"] = f"Flow {number}"
    ada.save()


def test_too_many_bytes(join: Join) -> None:
    ada = join().join()
    for number in range(40):
        ada.doc["meta"]["description"] = f"{number}" + "x" * 400_000
    # 1006: the close frame is lost where more was on its way when the server closed.
    assert ada.closed() in (protocol.CLOSE_TOO_FAST, 1006)


def test_too_many_requests_for_the_document(join: Join) -> None:
    ada = join().join()
    for _ in range(200):
        ada.greet()
    assert ada.closed() == protocol.CLOSE_TOO_FAST


def test_buckets_refill() -> None:
    now = [0.0]
    bucket = Bucket((10, 20), clock=lambda: now[0])
    assert [bucket.take() for _ in range(21)] == [True] * 20 + [False]
    now[0] += 1
    assert [bucket.take() for _ in range(10)] == [True] * 9 + [False]
    now[0] += 100
    assert bucket.take(20)
    assert not bucket.take(1)


def test_a_slow_reader_is_cut_off_and_nobody_waits_for_it(
    server: Server, flow_id: str, join: Join, editor: Person
) -> None:
    slow = join(editor, receive_buffer=4096).join()
    room_ = open_room(server, flow_id)
    writers = [join().join() for _ in range(3)]
    assert len(room_.connections) == 4
    sent = 0
    while len(room_.connections) == 4 and sent < 60_000_000:
        for number, ada in enumerate(writers):
            ada.doc["nodes"][f"n{number}"] = Map({"type": "a.b", "notes": f"{sent}" + "x" * 90_000})
            sent += 90_000
            ada.save()
    assert len(room_.connections) == 3
    assert sent < 3 * connection.MOST_QUEUED
    assert slow.closed() == 1006
    assert slow.updates > 0


def test_who_writes_and_never_reads_is_broken_off(
    server: Server, flow_id: str, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A goodbye would wait for ever behind what is not read."""
    monkeypatch.setattr(connection, "CLOSE_SECONDS", 0.2)
    ada = join(receive_buffer=4096).join()
    ada.socket.socket.settimeout(30)
    for number in range(40):
        # The server sends each of these back, and nobody takes them.
        ada.doc["meta"]["description"] = f"{number}" + "x" * 400_000
    assert ada.closed() in {protocol.CLOSE_TOO_FAST, 1006}


def test_a_document_that_is_too_large_only_shrinks(
    server: Server, flow_id: str, join: Join, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "LARGEST_BYTES", 300_000)
    ada = join().join()
    ada.doc["nodes"]["small"] = Map({"type": "a.b"})
    for number in range(4):
        ada.doc["nodes"][f"n{number}"] = Map({"type": "a.b", "notes": f"{number}" + "x" * 90_000})
    ada.save()
    ada.doc["nodes"]["more"] = Map({"type": "a.b"})
    ada.mark()
    ada.until(lambda: ada.refused == ["document.too_large"])
    ada.settle()
    assert ada.saved == 1
    assert "more" not in definition(server, flow_id)["nodes"]
    eda = join().join()
    for number in range(3):
        del eda.doc["nodes"][f"n{number}"]
    eda.save()
    # The server asks again by itself, and now there is room.
    ada.until(lambda: ada.saved == 2)
    assert set(definition(server, flow_id)["nodes"]) == {"small", "n3", "more"}


def test_a_full_room(server: Server, join: Join, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_CONNECTIONS", 2)
    first, _second = join().join(), join().join()
    third = join(greet=False)
    assert third.closed() == protocol.CLOSE_TRY_LATER
    first.close()
    third = _come_in(join)
    third.add_node("a")
    third.save()


def _come_in(join: Join) -> Client:
    """Whoever left is noticed a moment later."""
    while True:
        client = join(greet=False)
        try:
            client.greet()
            return client.join()
        except ConnectionClosed:
            client.close()
