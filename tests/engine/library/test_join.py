"""Joining two tables by a key."""

from typing import Any

import pytest
from pydantic import ValidationError

from weft_engine.library.data_join import Join

LEFT = [
    {"id": "007", "who": "a", "v": 1},
    {"id": "008", "who": "x", "v": 2},
    {"id": "009", "who": None, "v": 3},
    {"id": "010", "who": "b", "v": 4},
]
RIGHT = [
    {"who": "b", "name": "Ben", "v": 10},
    {"who": "a", "name": "Ada", "v": 20},
    {"who": "a", "name": "Ana", "v": 30},
    {"who": None, "name": "Nobody", "v": 40},
    {"who": "z", "name": "Zoe", "v": 50},
]


@pytest.mark.parametrize(
    ("how", "expected"),
    [
        ("inner", [("007", "Ada"), ("007", "Ana"), ("010", "Ben")]),
        ("left", [("007", "Ada"), ("007", "Ana"), ("008", None), ("009", None), ("010", "Ben")]),
        ("right", [("007", "Ada"), ("007", "Ana"), ("010", "Ben"), (None, "Nobody"),
                   (None, "Zoe")]),
        ("outer", [("007", "Ada"), ("007", "Ana"), ("008", None), ("009", None), ("010", "Ben"),
                   (None, "Nobody"), (None, "Zoe")]),
    ],
)  # fmt: skip
def test_join(run: Any, how: Any, expected: list[Any]) -> None:
    rows = run(Join(on=["who"], how=how), LEFT, RIGHT)
    assert [(row["id"], row["name"]) for row in rows] == expected
    assert all(list(row) == ["id", "who", "v", "name", "v_right"] for row in rows)
    last = rows[-1]
    assert last["who"] == ("z" if how in {"right", "outer"} else "b")


def test_join_by_expressions(run: Any) -> None:
    node = Join(left_on="lower(item.mail)", right_on="item.mail", suffix=" 2")
    rows = run(node, [{"mail": "A@X.org"}], [{"mail": "a@x.org", "n": 1}])
    assert rows == [{"mail": "A@X.org", "mail 2": "a@x.org", "n": 1}]


def test_join_by_several_columns(run: Any) -> None:
    left = [{"a": 1, "b": 1, "v": "l"}, {"a": 1, "b": 2, "v": "l"}, {"a": 1, "b": None, "v": "l"}]
    rows = run(Join(on=["a", "b"]), left, [{"a": 1, "b": 2, "w": "r"}])
    assert rows == [{"a": 1, "b": 2, "v": "l", "w": "r"}]


def test_join_takes_the_chosen_columns(run: Any) -> None:
    rows = run(Join(on=["who"], how="left", columns=["name"]), LEFT[1:2], RIGHT)
    assert rows == [{"id": "008", "who": "x", "v": 2, "name": None}]


def test_join_with_an_empty_right_side_still_has_the_chosen_columns(run: Any) -> None:
    rows = run(Join(on=["who"], how="left", columns=["name"]), LEFT[:1], [])
    assert rows == [{"id": "007", "who": "a", "v": 1, "name": None}]


@pytest.mark.parametrize(
    ("node", "left", "right", "code", "says"),
    [
        pytest.param(Join(on=["woh"]), LEFT, RIGHT, "data.unknown_column", "who", id="key"),
        pytest.param(Join(on=["who"], columns=["nam"]), LEFT, RIGHT, "data.unknown_column", "name",
                     id="right column"),
        pytest.param(Join(on=["k"]), [{"k": "007"}], [{"k": 7}], "data.bad_key", "text",
                     id="keys of different kinds"),
        pytest.param(Join(left_on="item.x", right_on="item.who"), LEFT, RIGHT,
                     "expression.missing_field", "", id="expression"),
    ],
)  # fmt: skip
def test_join_fails_clearly(
    failure: Any, node: Any, left: Any, right: Any, code: str, says: str
) -> None:
    error = failure(node, left, right)
    assert error.code == code
    assert says in error.hint


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({}, id="no key"),
        pytest.param({"left_on": "item.a"}, id="one side"),
        pytest.param({"on": ["a"], "left_on": "item.a", "right_on": "item.a"}, id="both ways"),
        pytest.param({"on": ["a"], "how": "cross"}, id="unknown kind"),
        pytest.param({"left_on": "item.(", "right_on": "item.a"}, id="bad expression"),
    ],
)
def test_join_refuses(settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Join(**settings)
