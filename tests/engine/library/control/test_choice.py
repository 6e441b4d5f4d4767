"""Switch."""

from typing import Any

import pytest

from weft_engine.errors import ExpressionError
from weft_engine.library.control.choice import Case, Switch
from weft_engine.nodes.catalogue import Catalogue

CASES = (Case(name="big", when="item > 100"), Case(name="even", when="item % 2 == 0"))


@pytest.mark.parametrize(
    ("take", "item", "taken"),
    [
        ("first", 102, ["big"]),
        ("all", 102, ["big", "even"]),
        ("first", 4, ["even"]),
        ("first", 3, ["otherwise"]),
        ("all", 3, ["otherwise"]),
    ],
)
def test_the_ways_that_are_taken(take: Any, item: int, taken: list[str]) -> None:
    assert Switch(cases=CASES, take=take).process(item) == dict.fromkeys(taken, item)


def test_later_cases_are_not_looked_at() -> None:
    cases = (Case(name="any", when="true"), Case(name="broken", when="item.x > 1"))

    assert Switch(cases=cases).process({}) == {"any": {}}
    with pytest.raises(ExpressionError):
        Switch(cases=cases, take="all").process({})


@pytest.mark.parametrize(
    ("names", "message"),
    [(["a", "a"], "two cases are called a"), (["otherwise"], "cannot be called otherwise")],
)
def test_names_that_ports_cannot_have(names: list[str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Switch(cases=tuple(Case(name=name, when="true") for name in names))


def test_its_ports_are_its_cases() -> None:
    spec = Catalogue.installed().spec("control.switch")
    assert spec is not None
    settings = {"cases": [{"name": "big", "when": "true"}, {"name": "even", "when": "true"}]}

    ports = [port.name for port in spec.with_ports(settings).outputs]
    assert ports == ["big", "even", "otherwise"]
