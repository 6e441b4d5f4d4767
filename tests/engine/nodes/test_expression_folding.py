"""What is the same for every record is worked out once; nothing else changes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from weft_engine.errors import ExpressionError
from weft_engine.nodes.expression_facts import columns_read, constant, fails_alike, variables_read
from weft_engine.nodes.expressions import compile_expression

ENV = {
    "flow": {"inputs": {}},
    "inputs": {"region": "North"},
    "run": {"id": "r"},
    "vars": {"limit": 100, "name": "Ada", "list": [1, 2], "zero": 0},
    "index": 3,
    "nodes": {},
}
TEXTS = [
    "item.amount > vars.limit * 2",
    "vars.limit / vars.zero > item.amount",
    "item.amount > 1 or vars.nothing",
    "upper(vars.name) + item.name",
    "item.name == inputs.region and index > 2",
    "vars.list[0] + item.amount",
    "[x for x in vars.list if x > 1]",
    "item.amount if vars.limit > 3 else vars.nothing",
    "-1 + item.amount",
    "vars.list",
    "length(vars.name) * 2",
    "item.amount * (1.0 + 0.25)",
    "not (vars.zero or item.nothing)",
]
RECORDS: list[Any] = [{"amount": 250, "name": "North"}, {"amount": None}, {"name": "x"}, None, 7]


def outcome(function: Any, item: Any, env: Any) -> Any:
    try:
        found = function(item, env)
    except ExpressionError as error:
        return error.code, error.message, error.hint, error.params
    return type(found), found


@pytest.mark.parametrize("text", TEXTS)
def test_values_and_failures_are_the_same(text: str) -> None:
    compiled = compile_expression(text)
    bound = compiled.bound(ENV)
    for item in RECORDS:
        assert outcome(bound, item, ENV) == outcome(compiled.function, item, ENV)


@given(
    text=st.sampled_from(TEXTS),
    limit=st.none() | st.integers(-3, 200) | st.floats() | st.booleans() | st.text(max_size=3),
    zero=st.sampled_from([0, 0.0, -0.0, False, 1, True]),
)
def test_the_same_in_any_environment(text: str, limit: Any, zero: Any) -> None:
    env = {**ENV, "vars": {**ENV["vars"], "limit": limit, "zero": zero}}  # type: ignore[dict-item]
    compiled = compile_expression(text)
    for item in RECORDS:
        assert repr(outcome(compiled.bound(env), item, env)) == repr(
            outcome(compiled.function, item, env)
        )


@pytest.mark.parametrize(
    ("text", "folds"),
    [
        ("item.a > 2 * 3", True),
        ("item.a > vars.limit", True),
        ("item.a > -1", False),
        ("item.a > item.b", False),
        ("[vars.a for x in item]", False),
    ],
)
def test_what_there_is_to_fold(text: str, folds: bool) -> None:
    assert compile_expression(text).folds is folds


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ('item.a > item["b c"]', {"a", "b c"}),
        ("item.a.b", {"a"}),
        ("vars.a", set()),
        ("keys(item)", None),
        ("item[vars.name]", None),
        ("[item for item in item.list]", None),
    ],
)
def test_columns_that_are_read(text: str, columns: set[str] | None) -> None:
    assert columns_read(text) == columns


def test_variables_that_are_read() -> None:
    assert variables_read('vars.a + vars["b"]') == {"a", "b"}
    assert variables_read("keys(vars)") is None


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("vars.limit > 3", (True, True)),
        ("1 + 1", (True, 2)),
        ("vars.other", (False, None)),
        ("item", (False, None)),
        ("inputs.a", (False, None)),
        ("1 / 0", (False, None)),
    ],
)
def test_constants(text: str, found: tuple[bool, Any]) -> None:
    assert constant(text, {"limit": 5}) == found


@pytest.mark.parametrize(
    ("text", "sure"),
    [
        ("item.a", True),
        ("item.a == item.b", True),
        ("coalesce(item.a, 0)", True),
        ("item.a + 1", False),
        ("item.a > 1", False),
        ("item.a.b", False),
        ("item.a or item.a", True),
        ("item.a or item.b", False),
        ("item.a if item.a else item.b == item.b", False),
        ("item.b if item.b else item.b", True),
        ("item.a if item.b else item.c", False),
        ("coalesce(item.x, item.y) == 0 or item.x == 1", False),
        ('"North"', True),
        ("upper(item.a)", False),
    ],
)
def test_whether_it_fails_alike_for_all_rows(text: str, sure: bool) -> None:
    assert fails_alike([text]) is sure
