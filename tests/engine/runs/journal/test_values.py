"""Whatever nodes exchange comes back as it was, or is refused by name."""

import datetime as dt
import math
import os
import resource
import subprocess
import sys
import threading
from collections import OrderedDict, defaultdict
from contextlib import suppress
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import msgpack
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, PrivateAttr, model_validator

from weft_engine.nodes.types import SKIP
from weft_engine.runs.journal.codec import Codec
from weft_engine.runs.journal.errors import JournalError
from weft_engine.runs.journal.records import RecordsWriter, records_of
from weft_engine.runs.journal.values import StoredValue, ValueStore

OWN = Codec([__name__])


@dataclass(frozen=True, slots=True)
class Place:
    name: str
    at: tuple[float, float] = (0.0, 0.0)


@dataclass
class Loud:
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.said.append("made")


class Person(BaseModel):
    model_config = ConfigDict(extra="allow")
    name: str
    born: dt.date | None = None
    _seen: int = PrivateAttr(default=3)

    @model_validator(mode="after")
    def check(self) -> "Person":
        if self.name == "nobody":
            raise ValueError("no")
        return self


class Pair(NamedTuple):
    left: Any
    right: Any


class Colour(Enum):
    RED = 1


class Word(StrEnum):
    YES = "yes"


SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(st.characters())  # surrogates too
    | st.binary()
    | st.dates()
    | st.datetimes(timezones=st.none() | st.timezones() | st.just(dt.UTC))
    | st.times()
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.uuids()
    | st.complex_numbers(allow_nan=False)
    | st.sampled_from([SKIP, Path("a/b"), PurePosixPath("/x"), PureWindowsPath("c:\\x"), Word.YES])
    | st.sampled_from([Colour.RED, Place("here"), Pair(1, 2)])
)
KEYS = st.text() | st.integers() | st.tuples(st.text(), st.integers()) | st.dates()
VALUES = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=4)
        | st.lists(inner, max_size=4).map(tuple)
        | st.sets(KEYS, max_size=4)
        | st.frozensets(KEYS, max_size=4)
        | st.dictionaries(KEYS, inner, max_size=3).map(OrderedDict)
        | st.builds(Pair, inner, inner)
        | st.builds(Person, name=st.text(), born=st.none() | st.dates(), more=inner)
    ),
    max_leaves=12,
)


def shape(value: Any) -> Any:
    """A value with the types of everything in it: 1, 1.0 and True are equal otherwise."""
    if isinstance(value, dict):
        return type(value), [(shape(key), shape(item)) for key, item in value.items()]
    if isinstance(value, list | tuple):
        return type(value), [shape(item) for item in value]
    if isinstance(value, set | frozenset):
        return type(value), {shape_of_key(item) for item in value}
    if isinstance(value, BaseModel):
        return type(value), shape(value.__dict__), shape(value.__pydantic_extra__)
    if isinstance(value, dt.datetime | dt.time):
        return type(value), value.replace(tzinfo=None), value.fold, repr(value.tzinfo)
    if isinstance(value, float):
        return float, value, math.copysign(1, value)
    if isinstance(value, Decimal):
        return value.as_tuple()
    return type(value), value


def shape_of_key(key: Any) -> Any:
    return type(key), key


@given(VALUES)
@example(2**64)
@example(-(2**63) - 1)
@example(-0.0)
@example("\ud800")
@example(dt.datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo("Europe/Berlin")))
@example(dt.datetime(2026, 1, 1, tzinfo=dt.timezone(dt.timedelta(hours=5, minutes=30), "IST")))
@example({(1, "a"): {1, 2}, b"k": frozenset({(1,)})})
@example([True, 1, 1.0])
def test_comes_back_as_it_was(value: Any) -> None:
    again = OWN.decode(OWN.encode(value))
    assert shape(again) == shape(value)


@pytest.mark.parametrize("special", [math.nan, math.inf, Decimal("sNaN"), Decimal("-0.00")])
def test_special_numbers(special: Any) -> None:
    again = OWN.decode(OWN.encode(special))
    assert (type(again), str(again)) == (type(special), str(special))


def test_objects_are_filled_and_not_made() -> None:
    loud = OWN.decode(OWN.encode(Loud()))
    assert loud.said == ["made"]  # not twice
    person = Person(name="Ada", nick="A")
    person.name = "nobody"  # what a validator would refuse
    again = OWN.decode(OWN.encode(person))
    assert (again, again.nick, again._seen) == (person, "A", 3)
    assert again.model_fields_set == {"name", "nick"}


class Text(str):
    __slots__ = ()


CYCLE: list[Any] = []
CYCLE.append(CYCLE)
TUPLES: Any = ()
for _ in range(100):
    TUPLES = (TUPLES,)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        len,
        lambda: 1,
        threading.Lock(),
        Text("x"),
        defaultdict(list),
        [{"deep": {"inside": object()}}],
        CYCLE,
        TUPLES,
        StoredValue(),
        type,
        iter([]),
        dt.datetime(2026, 1, 1, tzinfo=type("Z", (dt.tzinfo,), {"utcoffset": lambda *_: None})()),
    ],
    ids=lambda value: type(value).__name__,
)
def test_what_cannot_be_kept_is_refused_by_the_name_of_its_port(value: Any) -> None:
    with pytest.raises(JournalError) as caught:
        OWN.encode(value, "fetch.page")
    assert caught.value.code == "journal.unstorable"
    assert caught.value.params["port"] == "fetch.page"
    assert "fetch.page" in caught.value.message


def test_only_classes_of_node_packages_are_kept() -> None:
    with pytest.raises(JournalError, match="Place"):
        Codec().encode(Place("x"))
    with pytest.raises(JournalError) as caught:
        Codec().decode(OWN.encode(Place("x")))
    assert caught.value.code == "journal.value_lost"


def local_class() -> Any:
    @dataclass
    class Hidden:
        x: int = 1

    return Hidden()


def test_classes_that_cannot_be_found_again_are_refused() -> None:
    with pytest.raises(JournalError) as caught:
        OWN.encode(local_class())
    assert caught.value.code == "journal.unstorable"


@given(st.binary(max_size=200))
def test_hostile_bytes_are_refused_or_data(data: bytes) -> None:
    with suppress(JournalError):
        OWN.decode(data)


def ext(code: int, content: Any) -> bytes:
    return msgpack.packb(msgpack.ExtType(code, msgpack.packb(content)))


BOMB = b"\xc0"
for _ in range(60):
    BOMB = msgpack.packb(msgpack.ExtType(1, msgpack.packb([msgpack.ExtType(1, BOMB)])))


@pytest.mark.parametrize(
    "data",
    [
        ext(64, ["os", "system", "data", {"x": 1}]),
        ext(64, ["subprocess", "Popen", "data", {"args": "id"}]),
        ext(64, ["builtins", "eval", "enum", "x"]),
        ext(64, [__name__, "os", "data", {}]),
        ext(64, [__name__, "Path", "tuple", ["x"]]),
        ext(64, [__name__, "shape", "data", {}]),
        ext(64, [__name__, "Place", "data", {"__class__": 1}]),
        ext(64, [__name__, "Place.__init__.__globals__", "data", {}]),
        ext(64, [__name__, "Person", "model", [{"__dict__": 1}, None, [], None]]),
        ext(64, ["weft_engine.library.not_loaded_yet", "X", "data", {}]),
        ext(64, [1, 2, 3, 4]),
        ext(99, [1]),
        ext(7, ["x"]),
        ext(2, [[1]]),
        ext(7, [2026, 1, 1, 0, 0, 0, 0, 0, "../../../etc/passwd"]),
        b"\xdd\xff\xff\xff\xff",
        b"\x91" * 100_000 + b"\xc0",
        BOMB,
        msgpack.packb([1]) + b"\x01",
    ],
)
def test_hostile_bytes_by_name(data: bytes) -> None:
    with pytest.raises(JournalError) as caught:
        OWN.decode(data)
    assert caught.value.code == "journal.value_lost"


# Where they are kept


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]


@pytest.fixture
def store(tmp_path: Path) -> ValueStore:
    return ValueStore(tmp_path, OWN)


@pytest.mark.parametrize(("size", "blobs"), [(10, 0), (65_530, 0), (65_540, 1)])
def test_small_values_stand_in_their_row(store: ValueStore, size: int, blobs: int) -> None:
    value = b"x" * size
    stored = StoredValue.read(store.put(value).as_dict())
    assert store.get(stored) == value
    assert len(files(store.blobs.root)) == blobs


def test_references_are_plain_data(store: ValueStore) -> None:
    plain = store.put({"a": b"\xff\x00"}).as_dict()
    assert msgpack.unpackb(msgpack.packb(plain)) == plain
    assert store.get(plain) == {"a": b"\xff\x00"}


def test_the_same_value_is_kept_once(store: ValueStore) -> None:
    first, second = store.put("x" * 100_000), store.put("x" * 100_000)
    assert first == second
    assert [path.name for path in files(store.blobs.root)] == [first.blob]


@pytest.mark.parametrize("harm", ["other", "shorter", "gone"])
def test_damaged_blobs_are_noticed_and_mended(store: ValueStore, harm: str) -> None:
    stored = store.put("x" * 100_000)
    assert stored.blob
    place = store.blobs.place(stored.blob)
    if harm == "gone":
        place.unlink()
    else:
        data = bytearray(place.read_bytes())
        data[50_000] ^= 1
        place.write_bytes(data if harm == "other" else data[:-1])
    with pytest.raises(JournalError) as caught:
        store.get(stored)
    assert caught.value.code == "journal.value_lost"
    store.put("x" * 100_000)
    assert store.get(stored) == "x" * 100_000


def test_stored_references_from_elsewhere_may_be_wrong(store: ValueStore) -> None:
    for plain in ({"kind": "other"}, {"inline": 5}, {}, {"blob": "../../etc/passwd"}):
        with pytest.raises(JournalError) as caught:
            store.get(plain)
        assert caught.value.code == "journal.value_lost"


@given(st.lists(st.lists(VALUES, max_size=5), max_size=6), st.sampled_from([0, 100, 10**7]))
def test_records_come_back(
    tmp_path_factory: pytest.TempPathFactory, batches: list[list[Any]], in_memory: int
) -> None:
    store = ValueStore(tmp_path_factory.getbasetemp() / "records", OWN, in_memory)
    collector, spool = store.collect("a.out"), RecordsWriter(memory=in_memory)
    for batch in batches:
        collector.take(batch)
        spool.take(batch)
    expected = shape([record for batch in batches for record in batch])
    stored, records = collector.finish()
    for each in (records, store.get(stored.as_dict()), spool.finish()):
        assert shape(list(each)) == shape(list(each)) == expected  # twice
        assert len(each) == stored.count == len(expected[1])
        assert shape(each.first(2)) == (list, expected[1][:2])


def test_records_within_memory_are_not_read_again(store: ValueStore) -> None:
    record = {"a": 1}
    collector = store.collect()
    collector.take([record])
    _, records = collector.finish()
    assert next(iter(records)) is record


def test_records_are_put_like_values(store: ValueStore) -> None:
    stored = store.put(records_of([1, 2.0, (3,)]))
    assert (stored.kind, stored.count) == ("records", 3)
    assert list(store.get(stored)) == [1, 2.0, (3,)]


def test_large_records_are_pieces(store: ValueStore) -> None:
    stored = store.put(records_of(["x" * 100_000] * 100))
    assert len(stored.chunks) > 1
    assert sum(count for _, count, _ in stored.chunks) == 100
    first = stored.chunks[0][0]
    store.blobs.place(first).write_bytes(b"")
    with pytest.raises(JournalError, match="changed"):
        list(store.get(stored))


def test_records_name_their_port_too(store: ValueStore) -> None:
    with pytest.raises(JournalError) as caught:
        store.collect("read.rows").take([object()])
    assert caught.value.params["port"] == "read.rows"


MANY = """
import resource, sys
from pathlib import Path
from weft_engine.runs.journal.values import ValueStore
store = ValueStore(Path(sys.argv[1]))
began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
collector = store.collect()
for number in range(1000):
    first = number * 1000
    collector.take([{"id": first + n, "name": f"record {n}", "x": n / 7} for n in range(1000)])
stored, records = collector.finish()
assert sum(record["id"] for record in records) == 499999500000
assert len(records) == 1_000_000
collected = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - began
value = store.put(b"x" * 100_000_000)
assert len(store.get(value)) == 100_000_000
print(collected, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - began, stored.size)
"""


def test_a_million_records_and_a_large_value_in_bounded_memory(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-c", MANY, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    records_kb, value_kb, size = map(int, run.stdout.split())
    assert size > 30_000_000
    assert records_kb < 80_000
    assert value_kb < 600_000


def test_no_room_for_a_blob(store: ValueStore) -> None:
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
        try:
            store.put("x" * 100_000)
        except JournalError as error:
            os._exit(7 if error.code == "journal.full" else 1)
        os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert files(store.blobs.root) == []  # nothing half written is left
