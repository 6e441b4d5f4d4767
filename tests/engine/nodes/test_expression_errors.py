"""What people are told when an expression is wrong, or meets a record it does not suit."""

from typing import Any

import pytest

from tests.engine.nodes.test_expressions import ROW
from weft_engine.error_codes import CODES
from weft_engine.errors import ExpressionError
from weft_engine.nodes.expressions import compile_expression


def error_of(text: str, item: Any = ROW) -> ExpressionError:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)(item)
    assert caught.value.code in CODES
    return caught.value


@pytest.mark.parametrize(
    ("text", "code", "column", "says", "hint"),
    [
        ("", "syntax", 1, "empty", "item.amount > 100"),
        ("item.amount >", "syntax", 13, "too early", "at its end"),
        ("(item.amount", "syntax", 1, "never closed", "Close"),
        ("item.region == 'north", "syntax", 16, "unterminated", "Close"),
        ("item.amount = 3", "syntax", 13, "", "`==`"),
        ("item.a && item.b", "syntax", 9, "", "`and`"),
        ("item.a || item.b", "syntax", 9, "", "`or`"),
        ("!item.paid", "syntax", 1, "", "`not`"),
        ("item.a ? 1 : 2", "syntax", 8, "", "if condition else"),
        ("${item.a}", "syntax", 1, "", "name alone"),
        ("amount > 3", "unknown_name", 1, "'amount'", "item.amount"),
        ("itm.amount > 3", "unknown_name", 1, "'itm'", "Did you mean item?"),
        ("upper", "unknown_name", 1, "'upper'", "upper(text)"),
        ("uper(item.region)", "unknown_function", 1, "'uper'", "upper(text)"),
        ("1 + lenght(item.region)", "unknown_function", 5, "'lenght'", "length(value)"),
        ("upper()", "bad_call", 1, "no arguments", "upper(text)"),
        ("upper(1, 2)", "bad_call", 1, "2 arguments", "upper(text)"),
        ("round(item.price, digits=1)", "bad_call", 1, "without names", "round("),
        ("item.region.upper()", "not_allowed", 1, "no methods", "upper(item.region)"),
        ("item.name.replace('a', 'b')", "not_allowed", 1, "", "replace(item.name, 'a', 'b')"),
        ("item.region.startswith('n')", "not_allowed", 1, "", "starts_with(item.region, 'n')"),
        ("item.a & item.b", "not_allowed", 1, "operator", "`and`"),
        ("item.a is item.b", "not_allowed", 1, "`is`", "`==`"),
        ("{1: 2}", "not_allowed", 2, "quotes", ""),
        ("item.金额 + amount", "unknown_name", 11, "'amount'", "item.amount"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_text(
    text: str, code: str, column: int, says: str, hint: str
) -> None:
    error = error_of(text)

    assert error.code == f"expression.{code}"
    assert error.params["column"] == column
    assert says in error.message
    assert hint in error.hint


@pytest.mark.parametrize(
    ("text", "code", "column", "says", "hint"),
    [
        ("item.amuont > 3", "missing_field", 1, "'amuont'", "Did you mean 'amount'?"),
        ("1 + item.zzz", "missing_field", 5, "'zzz'", "It has amount, price"),
        ("item.customer.nam", "missing_field", 1, "item.customer has no field", "'name'"),
        ("[x.qt for x in item.lines]", "missing_field", 2, "x has no field 'qt'", "'qty'"),
        ("item.nothing > 3", "null_value", 1, "item.nothing is null", "coalesce(item.nothing, 0)"),
        ("3 + item.nothing", "null_value", 5, "item.nothing is null", "coalesce(item.nothing, 0)"),
        ("3 * item.nothing", "null_value", 5, "item.nothing is null", "coalesce"),
        ("-item.nothing", "null_value", 2, "item.nothing is null", "coalesce"),
        ("1 < 2 < item.nothing", "null_value", 9, "item.nothing is null", "coalesce"),
        ("item.nothing.name", "null_value", 1, "item.nothing is null", "coalesce"),
        ("'a' in item.nothing", "null_value", 8, "item.nothing is null", "coalesce"),
        ("upper(item.nothing)", "null_value", 1, "upper() needs text", "coalesce"),
        ("item.amount + item.region", "wrong_type", 1, "item.region (text)", "text(item.amount)"),
        ("item.amount > item.region", "wrong_type", 1, "item.region (text)", "number(item.region)"),
        ("item.region * 3", "wrong_type", 1, "item.region (text)", "repeat(text, times)"),
        ("item.region - 1", "wrong_type", 1, "item.region (text)", "number(item.region)"),
        ("item.customer + 1", "wrong_type", 1, "item.customer (record)", ""),
        ("item.tags.name", "wrong_type", 1, "item.tags is list", 'pluck(item.tags, "name")'),
        ("item.region.name", "wrong_type", 1, "item.region is text", "parse_json"),
        ("upper(item.amount)", "wrong_type", 1, "upper() needs text, and got number", "text("),
        ("1 + upper(item.amount)", "wrong_type", 5, "upper()", "text("),
        ("[x for x in item.amount]", "wrong_type", 13, "list", ""),
        ("[x for x in item.customer]", "wrong_type", 13, "record", "keys("),
        ("item.amount / (item.amount - 120)", "failed", 1, "zero", "!= 0"),
        ("item.tags[9]", "failed", 1, "2 items", "get(item.tags, 9"),
        ("number('twelve')", "failed", 1, "'twelve'", "default"),
        ("vars.limit", "missing_field", 1, "'limit'", ""),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_record(
    text: str, code: str, column: int, says: str, hint: str
) -> None:
    error = error_of(text)

    assert error.code == f"expression.{code}"
    assert error.params["column"] == column
    assert says in error.message
    assert hint in error.hint


def test_names_the_fields_as_data() -> None:
    error = error_of("item.amuont")

    assert error.params["field"] == "amuont"
    assert error.params["nearest"] == "amount"
    assert "region" in error.params["fields"]


def test_inlined_code_is_explained_too() -> None:
    compiled = compile_expression("item.a + 1")
    try:
        eval(compile(compiled.python, "<chain>", "eval"), {**compiled.namespace, "item": {"b": 1}})
    except KeyError as error:
        found = compiled.explain(error, {"b": 1})

    assert found.code == "expression.missing_field"


@pytest.mark.parametrize(
    ("text", "item", "write"),
    [
        ("item.salary > 3", {"Salary €": 4}, 'item["Salary €"]'),
        ("item.amuont", {"amount": 4}, "item.amount"),
        ("item.clas", {"class": "a"}, 'item["class"]'),
        ("item.who.nmae", {"who": {'na"me': 1}}, 'item.who["na\\"me"]'),
    ],
)
def test_says_how_to_write_the_field_that_is_meant(text: str, item: Any, write: str) -> None:
    error = error_of(text, item)

    assert f"Write {write}." in error.hint
    assert error.params["write"] == write
    compile_expression(write)(item)


def test_a_record_that_is_no_record() -> None:
    assert error_of("item.amount", item="text").code == "expression.wrong_type"
    assert error_of("item.amount", item=None).code == "expression.null_value"


@pytest.mark.parametrize("text", ["itm.x", "uper(item.x)", "item.x.upper()"])
def test_says_what_to_write_instead(text: str) -> None:
    assert error_of(text).params["instead"] in ("item", "upper", "upper(item.x)")
