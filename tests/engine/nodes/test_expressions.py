"""What expressions calculate."""

import pickle
from typing import Any

import pytest

from weft_engine.nodes.expressions import compile_expression

ROW: dict[str, Any] = {
    "amount": 120,
    "price": 2.5,
    "region": "north",
    "nothing": None,
    "paid": True,
    "tags": ["red", "blue"],
    "customer": {"name": "Ada", "city": None},
    "lines": [{"qty": 2, "price": 3}, {"qty": 1, "price": 10}],
    "a b": "spaced",
    "金额": 7,
    "class": "first",
}
ENV = {"flow": {"name": "Sales"}, "run": {"id": "run_1"}, "vars": {"limit": 100}}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("item.amount > 100 and item.region == 'north'", True),
        ("item.amount * item.price", 300.0),
        ("item.amount + 1 - 2 * 3 / 4 // 1 % 5", 120.0),
        ("-item.amount ** 2", -14400),
        ("2 ** -1", 0.5),
        ("item.price % 1", 0.5),
        ("'a' + 'b'", "ab"),
        ("item.tags + ['green']", ["red", "blue", "green"]),
        ('item["a b"]', "spaced"),
        ("item.金额", 7),
        ("item['class']", "first"),
        ("item.customer.name", "Ada"),
        ("item.tags[0]", "red"),
        ("item.tags[-1]", "blue"),
        ("item.tags[1:]", ["blue"]),
        ("item.region[:2]", "no"),
        ("item.lines[0].price", 3),
        ("'red' in item.tags", True),
        ("'z' not in item.region", True),
        ("item.nothing == null", True),
        ("item.nothing is None", True),
        ("item.amount is not null", True),
        ("item.nothing != 3", True),
        ("not item.paid", False),
        ("1 < 2 < 3 != 4", True),
        ("'big' if item.amount > 100 else 'small'", "big"),
        ("item.nothing or 'none'", "none"),
        ("{'total': item.amount, 'who': item.customer.name}", {"total": 120, "who": "Ada"}),
        ("(1, 2)", [1, 2]),
        ("true and not false", True),
        ("[x.qty * x.price for x in item.lines]", [6, 10]),
        ("[x.qty for x in item.lines if x.price > 5]", [1]),
        ("[t + str(l.qty) for t in item.tags for l in item.lines]",
         ["red2", "red1", "blue2", "blue1"]),
        ("[k for k, v in items(item.customer)]", ["name", "city"]),
        ("sum(x.qty * x.price for x in item.lines)", 16),
        ("any(x.price > 5 for x in item.lines)", True),
        ("[item.qty for item in item.lines]", [2, 1]),
        ("item.amount > vars.limit", True),
        ("flow.name + ' ' + run.id", "Sales run_1"),
        ("item", ROW),
        ("  item.amount\n  > 100  ", True),
        ("item.amount > 100  # only large ones", True),
        (r"matches(item.region, '^\w+$')", True),
    ],
)  # fmt: skip
def test_calculates(text: str, value: Any) -> None:
    found = compile_expression(text)(ROW, ENV)

    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("coalesce(item.amuont, 5)", 5),
        ("coalesce(item.customer.city, item.customer.name)", "Ada"),
        ("coalesce(item.gone.deep[3].deeper, 1)", 1),
        ("default(item.nothing, 'x')", "x"),
        ("is_null(item.gone)", True),
        ("is_empty(item.customer.city)", True),
        ('get(item, "gone", 0)', 0),
        ("get(item.tags, 7, 'none')", "none"),
        ("coalesce(item.region[0:2], 1)", "no"),
        ("[coalesce(x.gone, 1) for x in item.lines]", [1, 1]),
    ],
)
def test_a_missing_field_can_be_meant(text: str, value: Any) -> None:
    assert compile_expression(text)(ROW, ENV) == value


def test_knows_the_fields_it_uses() -> None:
    compiled = compile_expression("item.a + item['b c'] * vars.x + sum(x.d for x in item.e)")

    assert compiled.fields == {"a", "b c", "e"}
    assert compiled.used == {"item", "vars"}


def test_a_field_of_a_loop_variable_called_item_is_not_the_records() -> None:
    assert compile_expression("[item.x for item in item.rows]").fields == {"rows"}


def test_works_without_an_environment() -> None:
    assert compile_expression("item.x + 1")({"x": 1}) == 2


def test_other_names_can_be_given() -> None:
    compiled = compile_expression("left.id == right.id", names=("left", "right"))

    assert compiled(None, {"left": {"id": 1}, "right": {"id": 1}}) is True


@pytest.mark.parametrize("text", ["item.amount * item.price > 10", "[x.qty for x in item.lines]"])
def test_its_source_can_be_inlined(text: str) -> None:
    compiled = compile_expression(text)
    scope = {**compiled.namespace, "item": ROW, "env": ENV}

    assert eval(compiled.python, scope) == compiled(ROW, ENV)


def test_it_travels_to_other_processes() -> None:
    compiled = compile_expression("item.amount > vars.limit")

    assert pickle.loads(pickle.dumps(compiled))(ROW, ENV) is True


def test_the_same_text_is_compiled_once() -> None:
    assert compile_expression("item.x + 41") is compile_expression("item.x + 41")
