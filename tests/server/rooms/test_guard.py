"""What strangers send is read before pycrdt sees it."""

import itertools
import os
import random
import resource
import subprocess
import sys
import time

import pytest
from pycrdt import Array, Doc, Map, Text, XmlFragment

from tests.server.rooms.corpus import honest_updates, hostile_sessions, mutants
from weft_engine.errors import KernelError
from weft_server.rooms import codec, protocol
from weft_server.rooms.codec import ProtocolError, read_state
from weft_server.rooms.guard import LIVE, WHOLE, parse_update
from weft_server.rooms.replica import Replica
from weft_server.rooms.repository import StoredDocument

EMPTY = StoredDocument(0, 1, b"", {}, [])


def replica(*updates: bytes) -> Replica:
    made = Replica(EMPTY)
    for update in updates:
        made.merge(update, parse_update(update))
    return made


def text(value: str) -> bytes:
    return codec.string(value)


def item(parent: bytes, content: bytes, *, kind: int, key: str = "k") -> bytes:
    """An item without neighbours, at a key of its parent."""
    return bytes((kind | 0x20,)) + parent + text(key) + content


def update(*items: bytes, client: int = 7, clock: int = 0, deletions: bytes = b"\0") -> bytes:
    head = codec.uint(1) + codec.uint(len(items)) + codec.uint(client) + codec.uint(clock)
    return head + b"".join(items) + deletions


NODES = codec.uint(1) + text("nodes")
A_MAP = codec.uint(1)


def inside(client: int, clock: int) -> bytes:
    return codec.uint(0) + codec.uint(client) + codec.uint(clock)


def plain(value: bytes) -> bytes:
    """An item that holds one plain value."""
    return item(NODES, codec.uint(1) + value, kind=8)


def nested_lists(depth: int) -> bytes:
    return b"\x75\x01" * depth + b"\x7e"


def nested_objects(depth: int) -> bytes:
    return b"\x76\x01\x01k" * depth + b"\x7e"


def nested_maps(depth: int) -> bytes:
    return update(
        *(
            item(NODES if level == 0 else inside(7, level - 1), A_MAP, kind=7)
            for level in range(depth)
        )
    )


def braided_maps(depth: int) -> bytes:
    """A chain of maps that goes to and fro between two clients, so that half of it points ahead."""
    chain: list[bytes] = []
    for level in range(depth):
        above = NODES if level == 0 else inside(7 + (level - 1) % 2, (level - 1) // 2)
        chain.append(item(above, A_MAP, kind=7))
    blocks = [
        codec.uint(len(chain[start::2])) + codec.uint(7 + start) + codec.uint(0)
        + b"".join(chain[start::2])
        for start in (0, 1)
    ]  # fmt: skip
    return codec.uint(2) + b"".join(blocks) + b"\0"


def foreign_type(make: object) -> bytes:
    doc = Doc()
    root = doc.get("nodes", type=Map)
    root["a"] = make
    return bytes(doc.get_update())


def other_root() -> bytes:
    doc = Doc()
    doc.get("elsewhere", type=Map)["a"] = 1
    return bytes(doc.get_update())


def root_text() -> bytes:
    doc = Doc()
    doc.get("nodes", type=Text).insert(0, "hello")
    return bytes(doc.get_update())


BOMBS = {
    "nothing": b"",
    "count of clients": b"\x80\x80\x80\x80\x01",
    "count of structs": b"\x01\x80\x80\x80\x80\x01\x07\x00",
    "count of values": update(bytes((0x28,)) + NODES + text("k") + b"\x80\x80\x80\x80\x01"),
    "count of deleted clients": b"\x00\x80\x80\x80\x80\x01",
    "count of deletions": b"\x00\x01\x07\x80\x80\x80\x80\x01",
    "length of a text": update(item(NODES, b"\xff\xff\xff\x7f", kind=4)),
    "endless number": b"\x01" + b"\xff" * 20,
    "deep lists": update(plain(nested_lists(26_000))),
    "deep objects": update(plain(nested_objects(26_000))),
    "array": foreign_type(Array([1])),
    "xml": foreign_type(XmlFragment()),
    "subdocument": foreign_type(Doc()),
    "bytes in a value": update(plain(b"\x74\x03abc")),
    "big integer": update(plain(b"\x7a" + b"\x01" * 8)),
    "another root": other_root(),
    "depends on itself": update(item(inside(7, 0), A_MAP, kind=7)),
    "depends on what comes later": update(item(inside(7, 9), A_MAP, kind=7)),
    "client out of range": update(plain(b"\x7e"), client=1 << 53),
    "clock out of range": update(plain(b"\x7e"), clock=(1 << 31) - 1),
    "deletion out of range": b"\x00\x01\x07\x01\xff\xff\xff\xff\x07\x01",
    "client twice": b"\x02" + 2 * (b"\x01\x07\x00" + plain(b"\x7e")) + b"\0",
    "client without structs": b"\x01\x00\x07\x00\x00",
    "no length": update(bytes((1 | 0x20,)) + NODES + text("k") + b"\x00"),
    "bytes behind": update(plain(b"\x7e")) + b"\x00",
    "not utf-8": update(item(NODES, b"\x02\xc3\x28", kind=4)),
    "embed": update(item(NODES, text('{"a":1}'), kind=5)),
    "format": update(item(NODES, text("bold") + text("true"), kind=6)),
    "old json": update(item(NODES, b"\x01" + text("1"), kind=2)),
}  # fmt: skip


@pytest.mark.timeout(30)  # it would work through what it should refuse for minutes
@pytest.mark.parametrize("name", BOMBS)
@pytest.mark.parametrize("limits", [LIVE, WHOLE], ids=["live", "whole"])
def test_bombs_are_found_fast(name: str, limits: object) -> None:
    with pytest.raises(ProtocolError):
        parse_update(BOMBS[name], limits)  # type: ignore[arg-type]


def test_too_large_is_a_code_of_its_own() -> None:
    with pytest.raises(ProtocolError) as caught:
        parse_update(bytes(LIVE.size + 1))
    assert caught.value.close_code == protocol.CLOSE_TOO_BIG


@pytest.mark.parametrize(
    "state",
    [b"\x80\x80\x80\x80\x01", b"\x02\x01", b"\x01\x01\x01\x01", b"\x01" + b"\xff" * 9 + b"\x01"],
)
def test_state_vectors_are_read_too(state: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_state(state)


@pytest.mark.parametrize("seed", range(6))
def test_honest_updates_pass(seed: int) -> None:
    live = Replica(EMPTY)
    for one in honest_updates(seed):
        contents = parse_update(one)
        assert contents.fits(live.state)
        assert live.merge(one, contents) is not None
        assert live.state == read_state(live.doc.get_state())
    whole = live.doc.get_update()
    again = replica(whole)
    assert again.state == live.state
    assert str(again.doc["nodes"]) is not None
    live.close()
    again.close()


def test_a_shallow_document_of_many_nodes_passes() -> None:
    doc = Doc({"nodes": Map()})
    with doc.transaction():
        for number in range(2_000):
            doc["nodes"][f"n{number}"] = Map({"settings": Map(), "texts": Map({"t": Text("x")})})
    whole = doc.get_update()
    assert replica_of(whole).merge(whole, parse_update(whole, WHOLE)) is None


@pytest.mark.parametrize("seed", range(4))
def test_out_of_order_is_a_gap(seed: int) -> None:
    """yrs keeps such updates for ever without applying them; they must never reach it."""
    updates = honest_updates(seed, 40)
    chance = random.Random(seed)
    live = Replica(EMPTY)
    waiting = list(updates)
    for _ in range(5_000):
        if not waiting:
            break
        one = chance.choice(waiting[:6])
        contents = parse_update(one)
        if not contents.fits(live.state):
            continue
        live.merge(one, contents)
        waiting.remove(one)
    assert waiting == []
    in_order = replica(*updates)
    assert live.doc["nodes"].to_py() == in_order.doc["nodes"].to_py()


def test_a_deletion_of_what_is_unknown_is_a_gap() -> None:
    doc = Doc({"nodes": Map()}, client_id=5)
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    doc["nodes"]["a"] = 1
    del doc["nodes"]["a"]
    doc.unobserve(subscription)
    made, deleted = map(parse_update, updates)
    assert made.items
    assert not deleted.items
    assert not deleted.fits({})
    assert deleted.fits(made.after({}))


def test_updates_with_holes_are_gaps() -> None:
    skip = bytes((10,)) + codec.uint(5)
    data = update(plain(b"\x7e"), skip, plain(b"\x7e"))
    contents = parse_update(data)
    assert not contents.fits({})
    assert not contents.fits({7: 5})
    assert contents.fits({7: 6})


def string_item(origin: tuple[int, int] | None, right: tuple[int, int] | None) -> bytes:
    info = 4 | (0x80 if origin else 0) | (0x40 if right else 0)
    ends = b"".join(codec.uint(part) for end in (origin, right) if end for part in end)
    return bytes((info,)) + ends + text("x")


def base() -> Replica:
    """Client 7 made: 0 a map at `m`, 1 a value in it, 2 a text in it, 3 to 5 "abc" in that."""
    abc = bytes((4,)) + inside(7, 2) + text("abc")
    return replica(
        update(
            item(NODES, A_MAP, kind=7, key="m"),
            item(inside(7, 0), b"\x01\x7e", kind=8, key="v"),
            item(inside(7, 0), codec.uint(2), kind=7, key="t"),
            abc,
            item(NODES, A_MAP, kind=7, key="other"),
        )
    )


LIES = {
    "deep maps": nested_maps(5_000),
    "deep maps of two clients": braided_maps(5_000),
    "a root that is no map": root_text(),
    "inside a value": update(item(inside(7, 1), b"\x01\x7e", kind=8), client=8),
    "inside a character": update(bytes((4,)) + inside(7, 4) + text("x"), client=8),
    "a key in a text": update(item(inside(7, 2), b"\x01\x7e", kind=8), client=8),
    "no key in a map": update(bytes((4,)) + inside(7, 0) + text("x"), client=8),
    "characters at a key": update(item(inside(7, 0), text("x"), kind=4), client=8),
    "a value in a text": update(bytes((8 | 0x80,)) + b"\x07\x03" + b"\x01\x7e", client=8),
    "a type in a text": update(bytes((7 | 0x80,)) + b"\x07\x03" + A_MAP, client=8),
    "neighbours in two places": update(string_item((7, 1), (7, 4)), client=8),
    "neighbours in text and map": update(string_item((7, 3), (7, 6)), client=8),
    "characters beside a value": update(string_item((7, 1), None), client=8),
}


@pytest.mark.parametrize("name", LIES)
def test_lies_about_where_items_belong_are_found(name: str) -> None:
    """pycrdt believes them and writes to freed memory."""
    live = base()
    before = live.doc["nodes"].to_py()
    contents = parse_update(LIES[name], WHOLE)
    assert contents.fits(live.state) or name.startswith("deep")
    with pytest.raises(ProtocolError):
        live.merge(LIES[name], contents)
    assert live.doc["nodes"].to_py() == before
    live.close()


def test_what_is_known_in_part_is_asked_for_again() -> None:
    live = base()
    across = update(bytes((4 | 0x80,)) + b"\x07\x04" + text("defg"), clock=5)
    assert not parse_update(across).fits(live.state)
    live.close()


def test_what_lies_in_something_deleted_is_taken() -> None:
    """Somebody who was offline wrote into a node that others deleted meanwhile."""
    doc = Doc({"nodes": Map()}, client_id=3)
    doc["nodes"]["a"] = Map({"settings": Map(), "texts": Map({"t": Text("abc")})})
    offline = Doc({"nodes": Map()}, client_id=4)
    offline.apply_update(doc.get_update())
    state = offline.get_state()
    offline["nodes"]["a"]["name"] = "Late"
    offline["nodes"]["a"]["settings"]["x"] = 1
    offline["nodes"]["a"]["texts"]["t"].insert(1, "z")
    late = offline.get_update(state)
    del doc["nodes"]["a"]
    for whole in (doc.get_update(), replica(doc.get_update()).doc.get_update()):
        live = replica_of(whole)
        contents = parse_update(late, WHOLE)
        assert contents.fits(live.state)
        live.merge(late, contents)
        assert live.doc["nodes"].to_py() == {}
        live.close()


def test_a_knot_of_two_clients_is_untied() -> None:
    """Two items that depend on each other: pycrdt would keep them for ever."""
    first = bytes((7 | 0x80,)) + codec.uint(8) + codec.uint(0) + A_MAP
    second = bytes((7 | 0x80,)) + codec.uint(7) + codec.uint(0) + A_MAP
    knot = (
        codec.uint(2)
        + codec.uint(1) + codec.uint(7) + codec.uint(0) + first
        + codec.uint(1) + codec.uint(8) + codec.uint(0) + second
        + b"\0"
    )  # fmt: skip
    live = replica(*honest_updates(1, 10))
    before = live.doc["nodes"].to_py()
    contents = parse_update(knot)
    assert contents.fits(live.state)
    with pytest.raises(ProtocolError):
        live.merge(knot, contents)
    assert live.doc["nodes"].to_py() == before
    assert 7 not in live.state
    live.close()


def test_types_nested_over_many_updates_are_found() -> None:
    live = Replica(EMPTY)
    with pytest.raises(ProtocolError, match="nested"):
        [_deeper(live, level) for level in range(100)]
    assert str(live.doc["nodes"]).count("{") < 20
    live.close()


def _deeper(live: Replica, level: int) -> None:
    above = NODES if level == 0 else inside(7, level - 1)
    one = update(item(above, A_MAP, kind=7), clock=level)
    live.merge(one, parse_update(one))


def test_a_panic_leaves_the_document_as_it_was() -> None:
    """pycrdt panics on some values, in the middle of a change; a panic is no Exception."""
    updates = honest_updates(2, 30)
    live = replica(*updates[:-1])
    before = live.doc["nodes"].to_py()

    def work(doc: "Doc[Map[object]]") -> None:
        with doc.transaction():
            doc["nodes"]["half"] = 1
            doc["nodes"]["other half"] = 2**70

    with pytest.raises(KernelError):
        live.change(work)
    assert live.doc["nodes"].to_py() == before
    contents = parse_update(updates[-1])
    assert live.merge(updates[-1], contents) is not None
    assert live.doc["nodes"].to_py() == replica(*updates).doc["nodes"].to_py()
    live.close()


SEEDS = int(os.environ.get("WEFT_SEEDS_OF_MUTANTS", "6"))


@pytest.mark.parametrize("seed", range(SEEDS))
def test_mutants_never_break_the_document(seed: int) -> None:
    live = replica(*honest_updates(seed, 60))
    slowest = 0.0
    hostile = itertools.chain(mutants(seed, 700), hostile_sessions(seed, 25, live.doc.get_update))
    for number, one in enumerate(hostile):
        start = time.process_time()
        try:
            contents = parse_update(one, WHOLE)
            if contents.fits(live.state):
                live.merge(one, contents)
        except ProtocolError:
            pass
        slowest = max(slowest, time.process_time() - start)
        if number % 100 == 0:
            assert_sound(live, f"seed {seed}, mutant {number}")
    assert_sound(live, f"seed {seed}")
    assert slowest < 10
    live.close()


def assert_sound(live: Replica, where: str) -> None:
    """What is in memory is what everybody will get who loads it."""
    assert read_state(live.doc.get_state()) == live.state, where
    again = replica_of(live.doc.get_update())
    assert again.state == live.state, where
    assert again.doc["nodes"].to_py() == live.doc["nodes"].to_py(), where
    again.close()


def replica_of(whole: bytes) -> Replica:
    return Replica(StoredDocument(1, 1, whole, {}, []))


@pytest.mark.parametrize("seed", range(3))
def test_damaged_frames_are_refused_or_read(seed: int) -> None:
    chance = random.Random(seed)
    frames = [
        protocol.state_request(b"\x01\x07\x05"),
        protocol.update_frame(honest_updates(seed, 3)[0]),
        protocol.awareness_frame([protocol.Presence(7, 1, '{"cursor":{"x":1,"y":2}}')]),
        bytes((protocol.MARK, 5)),
    ]
    for _ in range(2_000):
        data = bytearray(chance.choice(frames))
        for _ in range(chance.randrange(1, 4)):
            at = chance.randrange(len(data))
            data[at : at + 1] = chance.choice(
                [b"", b"\xff", bytes((chance.randrange(256),)), b"\x80\x80"]
            )
            if not data:
                break
        try:
            frame = protocol.parse_frame(bytes(data))
        except ProtocolError:
            continue
        if isinstance(frame, protocol.AwarenessFrame):
            for presence in frame.presences:
                try:
                    protocol.rewrite_presence(presence.state or "{}", {})
                except ProtocolError:
                    continue


@pytest.mark.parametrize(
    "presence",
    [
        "[" * 4000,
        '{"a":' * 700,
        "5",
        "[]",
        '"x"',
        "{",
        "NaN",
        '{"a": 1e999}',
        '{"a": NaN}',
        '{"a": Infinity}',
        "x" * 5000,
    ],
)
def test_presences_that_are_none(presence: str) -> None:
    with pytest.raises(ProtocolError):
        protocol.rewrite_presence(presence, {"id": "u"})


PARSE_IN_LITTLE_MEMORY = """
import resource, sys
from tests.server.rooms.test_guard import BOMBS, parse_update, ProtocolError, WHOLE
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for bomb in BOMBS.values():
    try:
        parse_update(bomb, WHOLE)
    except ProtocolError:
        pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_bombs_take_no_memory() -> None:
    assert resource.RUSAGE_SELF is not None
    run = subprocess.run(
        [sys.executable, "-c", PARSE_IN_LITTLE_MEMORY], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr[-2000:]
    assert int(run.stdout) < 20_000
