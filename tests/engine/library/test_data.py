"""Choosing, computing, grouping, sorting and joining rows."""

import random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from weft_engine.library.accumulators import ExactSum
from weft_engine.library.data_columns import Clean, Columns, Fill, Unique
from weft_engine.library.data_group import Group, Sort
from weft_engine.library.data_rows import Column, Filter, Limit, Map, Unpack

ROWS = [
    {"id": 1, "city": "Cork", "n": 5},
    {"id": 2, "city": None, "n": None},
    {"id": 3, "city": "Leeds", "n": 2},
    {"id": 4, "city": "Cork", "n": 2},
]


def ids(rows: list[dict[str, Any]]) -> list[Any]:
    return [row["id"] for row in rows]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        pytest.param('item.city == "Cork"', [1, 4], id="equal"),
        pytest.param("item.n is not None and item.n > 2", [1], id="null guarded"),
        pytest.param('item.city in ["Leeds", "Bonn"]', [3], id="one of"),
        pytest.param("item.city is None", [2], id="null"),
        pytest.param("item.id % 2 == 0", [2, 4], id="arithmetic"),
        pytest.param("False", [], id="never"),
    ],
)
def test_filter(run: Any, where: str, expected: list[int]) -> None:
    assert ids(run(Filter(where=where), ROWS)) == expected


@pytest.mark.parametrize(
    ("node", "code", "hint"),
    [
        pytest.param(Filter(where='item.citty == "Cork"'), "expression.missing_field", "city",
                     id="filter, misspelt field"),
        pytest.param(Filter(where="item.n > 2"), "expression.null_value", "coalesce",
                     id="filter, null compared"),
        pytest.param(Sort(by=[{"field": "citi"}]), "data.unknown_column", "city", id="sort"),
        pytest.param(Group(by=["City"]), "data.unknown_column", "city", id="group by"),
        pytest.param(Group(aggregates=[{"op": "sum", "field": "m"}]), "data.unknown_column", "",
                     id="aggregate"),
        pytest.param(Group(aggregates=[{"op": "sum", "field": "city"}]), "data.not_a_number",
                     "Map", id="sum of texts"),
        pytest.param(Columns(select=["id", "ctiy"]), "data.unknown_column", "city", id="select"),
        pytest.param(Columns(rename={"ctiy": "town"}), "data.unknown_column", "city", id="rename"),
        pytest.param(Columns(drop=["ctiy"]), "data.unknown_column", "city", id="drop"),
        pytest.param(Clean(columns=["ctiy"]), "data.unknown_column", "city", id="clean"),
        pytest.param(Unique(by=["ctiy"]), "data.unknown_column", "city", id="unique"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_a_coded_error_with_a_way_out(
    failure: Any, node: Any, code: str, hint: str
) -> None:
    error = failure(node, ROWS)
    assert error.code == code
    assert hint in error.hint
    assert error.hint


@pytest.mark.parametrize(
    "node", [pytest.param(Sort(by=[{"field": "a"}]), id="sort"), pytest.param(Fill(values={"a": 1}),
                                                                              id="fill")]
)  # fmt: skip
def test_texts_are_no_rows(failure: Any, node: Any) -> None:
    assert failure(node, ["just a text"]).code == "data.not_a_row"


def test_map_keeps_order_and_replaces_in_place(run: Any) -> None:
    node = Map(
        fields=[
            Column(name="city", expression="upper(item.city)"),
            Column(name="double", expression="item.id * 2"),
        ]
    )
    (row,) = run(node, ROWS[:1])
    assert list(row.items()) == [("id", 1), ("city", "CORK"), ("n", 5), ("double", 2)]


def test_map_sees_the_record_as_it_came_in(run: Any) -> None:
    assert run(
        Map(fields=[Column(name="a", expression="item.b"), Column(name="b", expression="item.a")]),
        [{"a": 1, "b": 2}],
    ) == [{"a": 2, "b": 1}]


def test_map_makes_rows_of_anything(run: Any) -> None:
    assert run(Map(fields=[Column(name="text", expression="item")]), ["a", "b"]) == [
        {"text": "a"},
        {"text": "b"},
    ]


def test_map_without_the_rest(run: Any) -> None:
    assert run(Map(fields=[Column(name="n", expression="item.n")], keep=False), ROWS[:1]) == [
        {"n": 5}
    ]


def test_map_leaves_the_record_it_was_given_alone(run: Any) -> None:
    rows = [{"a": 1}]
    run(Map(fields=[Column(name="a", expression="2")]), rows)
    assert rows == [{"a": 1}]


@pytest.mark.parametrize(
    ("count", "skip", "expected"),
    [(2, 0, [1, 2]), (2, 1, [2, 3]), (0, 0, []), (9, 3, [4]), (1, 9, []), (4, 0, [1, 2, 3, 4])],
)
def test_limit(run: Any, count: int, skip: int, expected: list[int]) -> None:
    assert ids(run(Limit(count=count, skip=skip), ROWS)) == expected


@pytest.mark.parametrize(
    ("by", "expected"),
    [
        pytest.param([{"field": "n"}], [3, 4, 1, 2], id="null last"),
        pytest.param([{"field": "n", "descending": True}], [1, 3, 4, 2], id="null last down"),
        pytest.param([{"field": "city"}, {"field": "n"}], [4, 1, 3, 2], id="two columns"),
        pytest.param([{"field": "n"}, {"field": "id", "descending": True}], [4, 3, 1, 2],
                     id="directions mixed"),
    ],
)  # fmt: skip
def test_sort(run: Any, by: list[Any], expected: list[int]) -> None:
    assert ids(run(Sort(by=by), ROWS)) == expected


def test_sort_keeps_the_top(run: Any) -> None:
    assert ids(run(Sort(by=[{"field": "id", "descending": True}], limit=2), ROWS)) == [4, 3]


def test_sort_orders_values_of_different_kinds(run: Any) -> None:
    rows = [{"v": value} for value in ["b", 2, None, "a", True, 1.5, [1]]]
    found = [row["v"] for row in run(Sort(by=[{"field": "v"}]), rows)]
    assert found == [True, 1.5, 2, "a", "b", [1], None]


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("count", 4), ("count_values", 3), ("count_distinct", 2), ("sum", 9), ("mean", 3),
        ("median", 2), ("min", 2), ("max", 5), ("first", 5), ("last", 2), ("list", [5, 2, 2]),
        ("distinct", [5, 2]),
    ],
)  # fmt: skip
def test_aggregates_pass_over_null(run: Any, op: str, expected: Any) -> None:
    node = Group(aggregates=[{"op": op, "field": "n", "as": "x"}])
    assert run(node, ROWS) == [{"x": expected}]


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        ("count", 0), ("count_values", 0), ("count_distinct", 0), ("sum", 0), ("mean", None),
        ("median", None), ("min", None), ("max", None), ("first", None), ("last", None),
        ("list", []), ("distinct", []),
    ],
)  # fmt: skip
def test_aggregates_of_nothing(run: Any, op: str, expected: Any) -> None:
    node = Group(aggregates=[{"op": op, "field": "n", "as": "x"}])
    assert run(node, []) == [{"x": expected}]


def test_groups_come_in_order_of_their_first_row_and_null_is_one(run: Any) -> None:
    node = Group(
        by=["city"], aggregates=[{"op": "count"}, {"op": "sum", "field": "n", "as": "total"}]
    )
    assert run(node, ROWS) == [
        {"city": "Cork", "count": 2, "total": 7},
        {"city": None, "count": 1, "total": 0},
        {"city": "Leeds", "count": 1, "total": 2},
    ]


def test_no_rows_make_no_groups(run: Any) -> None:
    assert run(Group(by=["city"]), []) == []


def test_one_and_true_are_different_groups(run: Any) -> None:
    rows = [{"v": 1}, {"v": True}, {"v": 1.0}, {"v": [1]}, {"v": [1]}, {"v": {"a": 1}}]
    assert [row["count"] for row in run(Group(by=["v"]), rows)] == [2, 1, 2, 1]


def test_results_are_rounded(run: Any) -> None:
    node = Group(aggregates=[{"op": "mean", "field": "v", "as": "m"}], decimals=2)
    assert run(node, [{"v": 1.0}, {"v": 1.0}, {"v": 2.0}]) == [{"m": 1.33}]


@settings(deadline=None)
@given(
    st.lists(
        st.floats(-1e12, 1e12) | st.integers(-(10**15), 10**15), max_size=60
    ),
    st.randoms(use_true_random=False),
)  # fmt: skip
def test_a_sum_does_not_depend_on_the_order(values: list[float], order: random.Random) -> None:
    def total(numbers: list[float]) -> float:
        found = ExactSum()
        for number in numbers:
            found.add(number)
        return found.result()

    shuffled = values.copy()
    order.shuffle(shuffled)
    assert total(values) == total(shuffled)


@pytest.mark.parametrize(
    "chosen",
    [
        pytest.param({"aggregates": [{"op": "sum"}]}, id="sum without a column"),
        pytest.param({"aggregates": [{"op": "add", "field": "n"}]}, id="unknown operation"),
        pytest.param({"aggregates": []}, id="no aggregate"),
        pytest.param({"by": ["n"], "aggregates": [{"op": "count", "as": "n"}]}, id="same names"),
        pytest.param({"decimals": -1}, id="decimals below zero"),
    ],
)
def test_group_refuses(chosen: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Group(**chosen)


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        pytest.param(Columns(select=["n", "id"]), {"n": 5, "id": 1}, id="select orders"),
        pytest.param(Columns(drop=["n"]), {"id": 1, "city": "Cork"}, id="drop"),
        pytest.param(Columns(rename={"n": "count"}), {"id": 1, "city": "Cork", "count": 5},
                     id="rename keeps the place"),
        pytest.param(Columns(select=["n"], rename={"n": "m"}), {"m": 5}, id="by old names"),
        pytest.param(Columns(), ROWS[0], id="nothing to do"),
    ],
)  # fmt: skip
def test_columns(run: Any, node: Any, expected: dict[str, Any]) -> None:
    (row,) = run(node, ROWS[:1])
    assert list(row.items()) == list(expected.items())


def test_fill(run: Any) -> None:
    rows = [{"a": None, "b": "  "}, {"b": "x"}, {"a": 0, "b": False}]
    assert run(Fill(values={"a": 1, "b": "-"}), rows) == [
        {"a": 1, "b": "-"}, {"b": "x", "a": 1}, {"a": 0, "b": False},
    ]  # fmt: skip
    assert run(Fill(values={"b": "-"}, empty_text=False), rows[:1]) == [{"a": None, "b": "  "}]


@pytest.mark.parametrize(
    ("steps", "text", "expected"),
    [
        (["trim"], " a  b ", "a  b"),
        (["collapse_spaces"], "\u3000a\u00a0\t b ", "a b"),
        (["collapse_spaces"], "   ", ""),
        (["collapse_spaces", "empty_to_null"], "   ", None),
        (["empty_to_null", "upper"], " ", None),
        (["lower"], "ÅSA", "åsa"),
        (["title"], "ADA de la CRUZ-o'neil", "Ada De La Cruz-O'neil"),
        (["title"], "王安琪", "王安琪"),
        (["full_width"], "ＡＢＣ１２３", "ABC123"),
        (["digits"], "Room 12b", "12"),
        (["digits"], "none", None),
        (["email"], " Ada@Example.ORG", "ada@example.org"),
        (["email"], "ada at example", None),
        (["email"], "a..b@example.org", None),
        (["email"], "a@b", None),
        (["email"], "two@example.org three@example.org", None),
        (["phone"], "+1 (202) 555-0143", "+12025550143"),
        (["phone"], "0086 10 5555 0123", "+861055550123"),
        (["phone"], "020 7946 0958", "02079460958"),
        (["phone"], "+86 10 5555 0123", "+861055550123"),
        (["phone"], "n/a", None),
        (["phone"], "123", None),
    ],
)
def test_clean(run: Any, steps: Any, text: str, expected: str | None) -> None:
    assert run(Clean(steps=steps), [{"t": text, "n": 3, "x": None}]) == [
        {"t": expected, "n": 3, "x": None}
    ]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        pytest.param({"by": ["city"]}, [1, 2, 3], id="first"),
        pytest.param({"by": ["city"], "keep": "last"}, [4, 2, 3], id="last, at the first's place"),
        pytest.param({"by": ["n"]}, [1, 2, 3], id="numbers"),
        pytest.param({}, [1, 2, 3, 4], id="whole rows"),
    ],
)
def test_unique(run: Any, chosen: Any, expected: list[int]) -> None:
    assert ids(run(Unique(**chosen), ROWS)) == expected


def test_unique_keeps_nulls_apart_unless_told(run: Any) -> None:
    rows = [{"k": None}, {"k": None}, {"k": 1}, {"k": True}, {"k": 1.0}]
    assert len(run(Unique(by=["k"]), rows)) == 4
    assert len(run(Unique(by=["k"], keep_null=False), rows)) == 3
    assert len(run(Unique(by=["k"], keep="last"), rows)) == 4


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("items", [{"id": 1}, {"value": 2}]),
        ("deep.list.0", [{"x": 9}]),
        ("", [{"items": [{"id": 1}, 2], "deep": {"list": [{"x": 9}]}}]),
    ],
)
def test_unpack(path: str, expected: list[Any]) -> None:
    record = {"items": [{"id": 1}, 2], "deep": {"list": [{"x": 9}]}}
    assert list(Unpack(path=path).process(record)) == expected


def test_unpack_names_what_is_there() -> None:
    with pytest.raises(Exception, match="leads nowhere") as caught:
        list(Unpack(path="itmes").process({"items": []}))
    assert "items" in caught.value.hint  # type: ignore[attr-defined]
