"""Templates: text with expressions in it."""

import pickle

import pytest

from weft_engine.errors import ExpressionError
from weft_engine.nodes.expressions import compile_template


@pytest.mark.parametrize(
    ("text", "filled"),
    [
        ("Dear {{ item.name }},", "Dear Ada,"),
        ("{{item.name}}{{item.n}}", "Ada3"),
        ("no places", "no places"),
        ("", ""),
        ("{{ item.nothing }}!", "!"),
        ("{{ 3.0 }} {{ true }} {{ [1, 2] }}", "3 true [1, 2]"),
        ("{{ {'a': {'b': 1}} }}", '{"a": {"b": 1}}'),
        ("{{ '}}' }} {{ \"}}\" }} {{ 'it\\'s }}' }}", "}} }} it's }}"),
        ('{{ "{{" }}', "{{"),
        ("}} { } {", "}} { } {"),
        ("a\n{{ item.name }}\nb", "a\nAda\nb"),
        ("{{ upper(item.name) + '!' }}", "ADA!"),
        ("{{\n  item.name\n}}", "Ada"),
    ],
)
def test_fills_in(text: str, filled: str) -> None:
    assert compile_template(text)({"name": "Ada", "n": 3, "nothing": None}) == filled


@pytest.mark.parametrize(
    ("text", "column"),
    [("Dear {{ itm.name }}", 9), ("Dear {{ item.name", 6), ("{{ }}", 3), ("ab{{1 +}}", 7)],
)
def test_errors_point_into_the_template(text: str, column: int) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_template(text)

    assert abs(caught.value.params["column"] - column) <= 1


def test_knows_its_fields_and_travels() -> None:
    template = compile_template("{{ item.a }} and {{ item['b c'] }}")

    assert template.fields == {"a", "b c"}
    assert pickle.loads(pickle.dumps(template))({"a": 1, "b c": 2}) == "1 and 2"
