"""Expressions mean the same written into a loop as called."""

import math
import pickle
from typing import Any

import pytest

from tests.engine.kernel.codegen.stages import Running, spec
from weft_engine.kernel.codegen.expressions import written
from weft_engine.kernel.codegen.writer import Writer
from weft_engine.kernel.inline import Inline
from weft_engine.kernel.runtime.failures import OperatorFailure

ALIKE: list[tuple[Inline, Any]] = [
    (Inline("item + 1"), 3),
    (Inline("  item\n  + 1  # more"), 3),
    (Inline("item['é'] + item['b']"), {"é": 1, "b": 2}),
    (Inline("item ** n", n=-2), 4.0),
    (Inline("n ** item", n=-2), 2),
    (Inline("n.bit_length() + item", n=5), 1),
    (Inline("item if item > low else low", low=5), 3),
    (Inline("[x + item for x in range(item)]"), 3),
    (Inline("(lambda x: x + item)(2)"), 3),
    (Inline("(y := item) + y"), 3),
    (Inline("f'{item} {item!r:>5}'"), "a"),
    (Inline("max(item, key=abs)"), [1, -4]),
    (Inline("sqrt(item)", sqrt=math.sqrt), 4),
    (Inline("item.item", item=5), 4j),
    (Inline("max", max=7), None),
    (Inline("text + item", text="x" * 500), "y"),
    (Inline("item, item"), 1),
    (Inline("not item"), 1),
    (Inline("item == None or item != item"), 1),
    (Inline("dict(item=item)['item']"), 1),
]


@pytest.mark.parametrize(("inline", "value"), ALIKE, ids=lambda value: str(value)[:40])
def test_written_and_called_are_alike(inline: Inline, value: Any) -> None:
    def outcome(call: Any) -> Any:
        try:
            return call()
        except Exception as exc:  # noqa: BLE001 - whichever it is
            return repr(getattr(exc, "cause", exc))

    ran = outcome(lambda: Running(spec("map", inline)).push([value]).out()[0])
    called = outcome(lambda: inline(value))
    again = outcome(lambda: pickle.loads(pickle.dumps(inline))(value))
    assert ran == called == again


def test_simple_expressions_are_not_called() -> None:
    running = Running(spec("map", Inline("item * by", by=3)), spec("filter", Inline("item > 2")))
    assert running.push([0, 1, 2]).push([5]).out() == [3, 6, 15]
    assert "_v1 = (_v0 * (3))" in running.fused.texts()[-1]


def test_names_that_mean_nothing_fail_where_they_are_used() -> None:
    with pytest.raises(OperatorFailure) as caught:
        Running(spec("map", Inline("item + _v0"))).push([1])
    assert isinstance(caught.value.cause, NameError)


def test_what_a_lambda_of_an_expression_keeps_is_its_own_record() -> None:
    functions = Running(spec("map", Inline("lambda: item"))).push([1, 2]).out()
    assert [fn() for fn in functions] == [1, 2]


def test_text_that_is_no_expression_fails_as_itself() -> None:
    for code in ("item) or (1", "import os", "item;1", ""):
        assert written(Inline(code), ["_v0"], Writer(), "_n") is None
        with pytest.raises(OperatorFailure) as caught:
            Running(spec("map", Inline(code))).push([1])
        assert isinstance(caught.value.cause, SyntaxError)
