"""A hash that says the same everywhere: equal keys, equal hashes; nothing unstable gets through."""

import os
import subprocess
import sys
from collections import Counter, namedtuple
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.errors import CODES, WeftError
from weft_engine.kernel.state import hashing
from weft_engine.kernel.state.hashing import (
    UnstableKeyError,
    key_group,
    key_groups_of,
    stable_hash,
)

EAST = timezone(timedelta(hours=2))
BERLIN = ZoneInfo("Europe/Berlin")
NAIVE = datetime(2024, 5, 1)  # noqa: DTZ001 - such keys occur
Point = namedtuple("Point", "x y")


class Colour(Enum):
    RED = 1
    BLUE = 2


class Level(IntEnum):
    LOW = 1


class Word(StrEnum):
    YES = "yes"


@dataclass(frozen=True)
class Place:
    city: str
    zone: float
    note: str = field(default="", compare=False)


@dataclass
class Mutable:
    city: str


@dataclass(frozen=True)
class Loose:
    city: str

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Loose) and other.city.lower() == self.city.lower()

    def __hash__(self) -> int:
        return hash(self.city.lower())


class Shouting(str):
    def __eq__(self, other: object) -> bool:
        return isinstance(other, str) and other.lower() == self.lower()

    def __hash__(self) -> int:
        return hash(self.lower())


# What every process, platform and version must give. Changing one of these loses all keyed state.
KNOWN: list[tuple[Any, int]] = [
    (0, 0),
    (1, 1728126538226692784),
    (-5, 2594128280926290870),
    (2**80, 18228271946764214918),
    (1.5, 7493825624780990528),
    ("", 11400714820970677676),
    ("user-1", 16518962823568920924),
    ("Straße 街", 13671900194669442688),
    (b"user-1", 16798495621620348137),
    (None, 13221337647649106533),
    (("a", 1, None), 10826968587732205355),
    (frozenset(["x", "y"]), 4224584274013502808),
    (datetime(2024, 5, 1, tzinfo=UTC), 725004803723052019),
    (NAIVE, 11069156267895910103),
    (date(2024, 5, 1), 7490720288590470702),
    (UUID(int=7), 16977661502183301178),
]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (1, 1.0),
        (1, True),
        (0, False),
        (0.0, -0.0),
        (2**200, float(2**200)),
        (Decimal("1.50"), Fraction(3, 2)),
        (Decimal("1.50"), 1.5),
        (Decimal(7), 7),
        (complex(3, 0), 3),
        (Level.LOW, 1),
        (Word.YES, "yes"),
        ((1, "a", (2.0,)), (True, "a", (2,))),
        (Point(1, 2), (1.0, 2)),
        (frozenset([1, "b"]), frozenset(["b", 1.0])),
        (Place("Graz", 1, "x"), Place("Graz", 1.0, "y")),
        (datetime(2024, 5, 1, 12, tzinfo=UTC), datetime(2024, 5, 1, 14, tzinfo=EAST)),
        (time(12, tzinfo=UTC), time(14, tzinfo=EAST)),
        (datetime(2024, 1, 5, 12, tzinfo=BERLIN), datetime(2024, 1, 5, 11, tzinfo=UTC)),
        (UUID(int=5), UUID("00000000-0000-0000-0000-000000000005")),
        (float("inf"), Decimal("Infinity")),
    ],
)  # fmt: skip
def test_equal_keys_have_equal_hashes(one: Any, other: Any) -> None:
    assert one == other
    assert stable_hash(one) == stable_hash(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1", 1),
        ("a", b"a"),
        ((), None),
        (("a", ("b",)), (("a",), "b")),
        (("a", "b"), ("b", "a")),
        ((1, 2), frozenset([1, 2])),
        (Colour.RED, Colour.BLUE),
        (Colour.RED, "RED"),
        (Place("Graz", 1.0), ("Graz", 1.0)),
        (NAIVE, datetime(2024, 5, 1, tzinfo=UTC)),
        (NAIVE, date(2024, 5, 1)),
        (date(2024, 5, 1), date(2024, 5, 2)),
        (time(1), time(1, tzinfo=UTC)),
        (timedelta(1), timedelta(2)),
        (UUID(int=5), 5),
        (1.5, -1.5),
    ],
)
def test_different_keys_have_different_hashes(one: Any, other: Any) -> None:
    assert one != other
    assert stable_hash(one) != stable_hash(other)


@pytest.mark.parametrize(
    ("key", "word"),
    [
        ([1], "tuple"),
        ({"a": 1}, "fields"),
        ({1}, "frozenset"),
        (bytearray(b"a"), "bytes"),
        (object(), "text"),
        (Mutable("x"), "frozen"),
        (Loose("x"), "frozen"),
        (Shouting("x"), "text"),
        (float("nan"), "None"),
        (Decimal("NaN"), "None"),
        (Decimal("sNaN"), "None"),
        (("a", [1]), "tuple"),
        ((1, float("nan")), "None"),
        (print, "text"),
    ],
)
def test_what_has_no_stable_hash_is_refused(key: Any, word: str) -> None:
    for _ in range(2):  # also when the type has been met before
        with pytest.raises(UnstableKeyError) as caught:
            stable_hash(key)
        assert caught.value.code == "kernel.unstable_key" in CODES
        assert word in caught.value.hint
        assert isinstance(caught.value, TypeError)
        assert isinstance(caught.value, WeftError)


numbers = st.one_of(
    st.integers(),
    st.floats(allow_nan=False),
    st.fractions(),
    st.decimals(allow_nan=False, places=3),
    st.booleans(),
)


@given(numbers)
def test_numbers_hash_alike_without_the_help_of_python(number: Any) -> None:
    assert hashing._numeric_hash(number) == hash(number)


@given(numbers, numbers)
def test_equal_numbers_of_any_types_agree(one: Any, other: Any) -> None:
    for same in (int(one) if one == one // 1 and abs(one) < 1e300 else one, one):
        if same == one:
            assert stable_hash(same) == stable_hash(one)
    if one == other:
        assert stable_hash(one) == stable_hash(other)


@given(st.text() | st.binary() | st.tuples(st.integers(), st.text()))
def test_hashes_have_64_bits(key: Any) -> None:
    assert 0 <= stable_hash(key) < 2**64


def test_text_that_is_not_unicode_has_a_hash() -> None:
    assert stable_hash("\ud800") != stable_hash("\ud801")


@pytest.mark.parametrize(
    "keys",
    [
        range(20_000),
        range(0, 20_000 * 128, 128),
        [n << 40 for n in range(20_000)],
        [-n for n in range(20_000)],
        [n / 7 for n in range(20_000)],
        [f"user-{n}" for n in range(20_000)],
        [f"{n:032d}" for n in range(20_000)],
        [str(UUID(int=n)) for n in range(20_000)],
        [(n % 100, f"{n // 100}") for n in range(20_000)],
        [str(n).encode() for n in range(20_000)],
    ],
    ids=lambda keys: f"{type(keys[1]).__name__}-{str(keys[1])[:9]}",
)
def test_keys_spread_over_the_groups(keys: list[Any]) -> None:
    counts = Counter(key_groups_of(keys, 128))
    mean = len(keys) / 128
    assert set(counts) == set(range(128))
    # Five standard deviations of a fair draw: a hash with a pattern in it is far outside.
    assert max(counts.values()) < mean + 5 * mean**0.5
    assert min(counts.values()) > mean - 5 * mean**0.5
    assert len({stable_hash(key) for key in keys}) > 19_990
    assert [key_group(key, 128) for key in keys] == key_groups_of(keys, 128)


SCRIPT = """
from datetime import UTC, datetime
from weft_engine.kernel.state.hashing import stable_hash
print([stable_hash(key) for key in (
    "key", b"key", ("a", 1, None), frozenset(["x", "y", "z"]), 1.5,
    datetime(2024, 5, 1, tzinfo=UTC))])
"""


def test_every_process_gives_the_same() -> None:
    engine = Path(hashing.__file__).parents[3]
    said = {
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(engine)},
            capture_output=True,
            check=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1


def _name(key: Any) -> str:
    """The same in every process; sets have no order."""
    return f"frozenset({sorted(key)})" if isinstance(key, frozenset) else repr(key)


@pytest.mark.parametrize(("key", "expected"), KNOWN, ids=[_name(key) for key, _ in KNOWN])
def test_hashes_never_change(key: Any, expected: int) -> None:
    assert stable_hash(key) == expected
