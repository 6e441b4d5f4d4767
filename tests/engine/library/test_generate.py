"""Records made up on the spot."""

from typing import Any

import pytest

from weft_engine.errors import WeftError
from weft_engine.library.data_generate import Generate
from weft_engine.library.data_rows import Column


def made(count: int, **fields: str) -> list[dict[str, Any]]:
    columns = tuple(Column(name=name, expression=text) for name, text in fields.items())
    return list(Generate(count=count, fields=columns).process())


def test_as_many_records_as_wanted_with_their_numbers() -> None:
    assert made(3) == [{"number": 0}, {"number": 1}, {"number": 2}]
    assert made(0) == []


def test_columns_are_computed_from_the_number() -> None:
    rows = made(2, even="item % 2 == 0", name='"n" + str(item)')
    assert rows == [
        {"number": 0, "even": True, "name": "n0"},
        {"number": 1, "even": False, "name": "n1"},
    ]


def test_records_are_made_one_at_a_time() -> None:
    records = Generate(count=1_000_000_000).process()
    assert [next(records)["number"] for _ in range(2)] == [0, 1]


def test_an_expression_that_fails_says_so() -> None:
    with pytest.raises(WeftError):
        made(1, bad="1 / item")
