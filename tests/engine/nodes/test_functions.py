"""Every function of the expression language: its help, its example, its edges."""

from typing import Any

import pytest

from weft_engine.errors import ExpressionError
from weft_engine.nodes.expressions import FUNCTIONS, Function, compile_expression
from weft_engine.nodes.functions import ALIASES


@pytest.mark.parametrize("function", FUNCTIONS.values(), ids=lambda function: function.name)
class TestEveryFunction:
    def test_its_example_is_true(self, function: Function) -> None:
        text, _, value = function.example.partition(" → ")

        assert repr(compile_expression(text)({})) == value

    def test_it_is_explained_in_both_languages(self, function: Function) -> None:
        assert function.en.endswith(".")
        assert function.zh.endswith("。")
        assert function.name in function.example
        assert function.signature.startswith(f"{function.name}(")

    def test_it_says_how_it_is_called(self, function: Function) -> None:
        with pytest.raises(ExpressionError) as caught:
            compile_expression(f"{function.name}()")

        assert function.signature in caught.value.hint


def test_aliases_lead_to_functions() -> None:
    assert set(ALIASES.values()) <= set(FUNCTIONS)
    assert not set(ALIASES) & set(FUNCTIONS)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("text(null)", ""),
        ("text(true)", "true"),
        ("text(2.50)", "2.5"),
        ("text([1, null])", "[1, null]"),
        ("round(0.5)", 1),
        ("round(2.5)", 3),
        ("round(-2.5)", -3),
        ("round(1.005, 2)", 1.01),
        ("round(1234, -2)", 1200),
        ("round(7, 2)", 7),
        ("round(1e20)", 1e20),
        ("number(' 12 ')", 12),
        ("number('-3.5')", -3.5),
        ("number('1,000', 0)", 0),
        ("number('', null)", None),
        ("number(true)", 1),
        ("number('nan', 0)", 0),
        ("number('١٢', 0)", 12),
        ("number('1_000', 0)", 0),
        ("whole('7.9')", 7),
        ("min(3, 1.5)", 1.5),
        ("max('a', 'b')", "b"),
        ("sum([])", 0),
        ("sum([0.1, 0.2, 0.3])", 0.6),
        ("split('a  b')", ["a", "b"]),
        ("split('', ',')", [""]),
        ("left('abc', 0)", ""),
        ("right('abc', 0)", ""),
        ("left('日本语', 2)", "日本"),
        ("upper('straße')", "STRASSE"),
        ("sorted(['b', 'a'])", ["a", "b"]),
        ("sorted([{'n': 2}, {'n': 1}], 'n')", [{"n": 1}, {"n": 2}]),
        ("unique([{'a': 1}, {'a': 1}])", [{"a": 1}]),
        ("flatten([])", []),
        ("range(5, 0, -2)", [5, 3, 1]),
        ("range(2, 4)", [2, 3]),
        ("first([], 0)", 0),
        ("first('abc')", "a"),
        ("last([1, 2])", 2),
        ("get([1], -1)", 1),
        ("get(null, 'x', 2)", 2),
        ("extract('a', 'b')", None),
        ("extract('k=v', '(?P<key>.)=(?P<value>.)', 'value')", "v"),
        ("extract('ab', '(a)(b)', 2)", "b"),
        ("date('2024-05-01T09:30:00+02:00')", "2024-05-01T09:30:00+02:00"),
        ("date('20240501')", "2024-05-01"),
        ("date('1/May/2024:10:00:00 +0000', '%d/%b/%Y:%H:%M:%S %z')", "2024-05-01T10:00:00Z"),
        ("date('2024年5月1日')", "2024-05-01"),
        ("date('31.12.2024 08:15', '%d.%m.%Y %H:%M')", "2024-12-31T08:15:00"),
        ("start_of('2024-05-17T09:31:12Z', 'hour')", "2024-05-17T09:00:00Z"),
        ("start_of('2024-05-17T09:31:12Z', 'week')", "2024-05-13T00:00:00Z"),
        ("start_of('2024-05-17', 'quarter')", "2024-04-01"),
        ("start_of('2024-05-17', 'year')", "2024-01-01"),
        ("add_time('2024-01-31', 1, 'months')", "2024-02-29"),
        ("add_time('2024-03-01', -1, 'day')", "2024-02-29"),
        ("add_time('2024-01-01', 36, 'hours')", "2024-01-02T12:00:00"),
        ("add_time('2024-05-01T10:00:00Z', 90, 'minute')", "2024-05-01T11:30:00Z"),
        ("time_between('2024-01-01', '2025-03-01', 'month')", 14.0),
        ("time_between('2024-01-01T00:00Z', '2024-01-01T06:00', 'hours')", 6.0),
        ("timestamp('1970-01-01T00:00:00Z')", 0.0),
        ("weekday('2024-05-05')", 7),
        ("week('2024-12-30')", 1),
        ("bool('否')", False),
        ("bool(0)", False),
        ("type_of(null)", "null"),
        ("has(item, 'x')", False),
        ("parse_json('{\"a\": 1}').a", 1),
        ("count('abc' == 'abc' and [1, 1])", 2),
        ("trim('--a--', '-')", "a"),
        ("contains([1, 2], 2)", True),
        ("length({'a': 1})", 1),
        ("log(8, 2)", 3.0),
        ("clamp(-1, 0, 5)", 0),
        ("merge({'a': 1}, {'a': 2})", {"a": 2}),
        ("replace_pattern('a.b', '[.]', '\\\\1')", "a\\1b"),
    ],
)
def test_edges(text: str, value: Any) -> None:
    assert compile_expression(text)({}) == value


@pytest.mark.parametrize(
    "text",
    [
        "min([])",
        "mean([])",
        "first([])",
        "sqrt(-1)",
        "log(0)",
        "log(2, 1)",
        "range(1, 2, 0)",
        "split('a', '')",
        "replace('a', '', 'b')",
        "sorted([1, 'a'])",
        "sorted([null])",
        "max(1, 'a')",
        "max(1, null)",
        "date('soon')",
        "year('soon')",
        "start_of('2024-01-01', 'moon')",
        "matches('a', '(')",
        "extract('a', 'a', 5)",
        "bool('maybe')",
        "parse_json('{')",
        "from_timestamp(1e20)",
        "pluck([{'a': 1}], 'b')",
        "format_date('2024-01-01', 5)",
        "whole('x')",
        "pad_left('a', 3, 'ab')",
        "sum(['1'])",
        "add_time('9999-12-31', 1, 'day')",
        "left('a', 1.5)",
        "url_encode(1)",
    ],
)
def test_what_cannot_be_is_said(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)({})

    assert caught.value.message
