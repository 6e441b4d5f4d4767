"""Nothing of Python can be reached from an expression, and none takes long or grows large."""

import sys
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from weft_engine.errors import ExpressionError
from weft_engine.nodes.expressions import compile_expression, compile_template
from weft_engine.nodes.functions import FUNCTIONS

ITEM: dict[str, Any] = {
    "x": 1, "s": "text", "l": [1, 2, 3], "d": {"a": 1}, "n": None,
    "long": "a" * 100_000, "big": list(range(10_000)), "huge": 10**30,
}  # fmt: skip

REFUSED = [
    # attributes and names of Python
    "item.__class__", "item.__class__.__mro__[1].__subclasses__()", "().__class__", "''.__class__",
    "[].__class__.__base__", "(1).__add__(2)", "1 .__class__", "item.__dict__", "__import__('os')",
    "__builtins__", "__builtins__['eval']", "__name__", "__debug__", "__loader__", "item.__init__",
    "upper.__globals__", "upper.__code__", "item.x.__class__", "flow.__class__", "vars.__class__",
    "[x.__class__ for x in item.l]", "[__x for __x in item.l]", "_meter.left", "_add(1, 2)", "env",
    "env['flow']", "_explain", "_errors", "v_x", "expression", "_f_upper('x')", "namespace",
    # builtins
    "eval('1')", "exec('1')", "open('/etc/passwd')", "getattr(item, 'x')", "setattr(item, 'x', 1)",
    "vars(item)", "dir()", "globals()", "locals()", "type(item)", "isinstance(item, dict)",
    "compile('1', '', 'eval')", "input()", "print(1)", "id(item)", "hash(item)", "iter(item)",
    "object()", "super()", "breakpoint()", "memoryview(b'')", "bytes(9)", "bytearray(9)", "help()",
    "map(upper, item.l)", "filter(upper, item.l)", "zip(item.l, item.l)", "delattr(item, 'x')",
    # methods, format and strings that are code
    "'{0.__class__}'.format(item)", "'%s'.__mod__(item)", "item.s.format(item)", "'a'.join(item.l)",
    "item.d.get('a')", "item.l.append(1)", "item.s.encode()", "f'{item}'", "f'{item.__class__}'",
    "f''", "b'bytes'", "'%(x)s' % item", "'%1000000000d' % 1", "'%s' % item.s",
    # syntax that is not of the language
    "lambda: 1", "(lambda: 1)()", "(lambda x: x.__class__)(item)", "(y := 1)", "[y := 1, y]",
    "[x for x in (y := item.l)]", "{1, 2}", "{x for x in item.l}", "{x: x for x in item.l}",
    "(x for x in item.l)", "[*item.l]", "{**item.d}", "upper(*item.l)", "upper(**item.d)", "...",
    "1j", "2j ** 2", "item.x; item.x", "import os", "x = 1", "item.x = 1", "del item", "await item",
    "yield 1", "async for x in item", "[x async for x in item.l]", "item.x if item.x", "pass",
    "item.l[1, 2]", "item.l[::0]", "item @ item", "~item.x", "item.x << 2", "item.x >> 2",
    "item.x | 1", "item.x & 1", "item.x ^ 1", "`item`", "print", "item is item", "1 is 1",
    "[item.d.x for item.d.x in item.l]", "[x[0] for x[0] in item.l]", "upper('a')('b')",
    "item.s('b')", "item.l[0]()", "(1)(2)", "''()", "match item: pass",
    # look-alikes
    "ｉｔｅｍ.x", "іtem.x", "item.ｘ", "ｕpper('a')", "𝒊𝒕𝒆𝒎", "item.ﬁeld", "__ｃlass__", "ｘ",
    "item.__ｃlass__",
    # bytes that are not text
    "item\x00.x", "\x00", "\ufeffitem.x", "item.\u200bx", "\u202eitem.x",
    # too much
    "2 ** 1000", "10 ** 39", "2 ** 2 ** 100", "9 ** 9 ** 9 ** 9", "(-8) ** 0.5", "'a' * 10 ** 9",
    "item.s * 1000000000", "item.l * 1000000000", "[0] * 10 ** 9", "item.huge * item.huge",
    "repeat('a', 10 ** 10)", "repeat(repeat('a', 10 ** 4), 10 ** 4)", "pad_left('a', 10 ** 10)",
    "pad_right('a', 10 ** 10)", "range(10 ** 10)", "range(10 ** 30)", "range(0, 10 ** 30, 1)",
    "replace(item.long, 'a', item.long)", "replace_pattern(item.long, 'a', item.long)",
    "join(item.big, item.long)", "[x for x in item.big for y in item.big for z in item.big]",
    "[[[x for x in item.l] for y in item.l] for z in item.l]",
    "[y for x in item.big for y in item.big]", "sum([x for y in item.big for x in item.big])",
    "[item.long + 'x' for x in item.big]", "[upper(item.long) for x in item.big]",
    "to_json([item.long for x in item.big])", "text([item.long for x in item.big])",
    "join([item.long for x in item.big], '')", "flatten([item.big for x in item.big])",
    "matches(item.long + '!', '(a|aa)+$')", "replace_pattern(item.long + '!', '(a|aa)+$', '')",
    "matches('a', '(' + repeat('a', 600) + ')')", "extract(item.long + '!', '(a|aa)+$')",
    "number('1' + repeat('0', 5000))", "number('1' + repeat('0', 100))", "1" + "0" * 60,
    "1e999", "-1e999", "format_number(1, 10 ** 9)", "round(1.5, 10 ** 9)",
    "format_date('2024-01-01', repeat('%Y', 1000000))", "date(repeat('1', 1000000))",
    "add_time('2024-01-01', 10 ** 20, 'year')", "add_time('2024-01-01', 1e300, 'day')",
    "parse_json(repeat('[', 100000))", "'a' + " * 600 + "'a'", "(" * 300 + "1" + ")" * 300,
    "[" * 150 + "]" * 150, "not " * 900 + "1", "-" * 3000 + "1", "1 if " * 300 + "1",
    "item" + ".x" * 200, "item" + "[0]" * 200, "x" * 5000, "upper(" * 120 + "'a'" + ")" * 120,
    "1 < " * 2000 + "1", "[x for x in item.l] + " * 9 + "[]",
]  # fmt: skip


@pytest.mark.timeout(60)  # what is not refused takes for ever
@pytest.mark.parametrize("text", REFUSED, ids=lambda text: ascii(text)[:60])
def test_is_refused(text: str) -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)(dict(ITEM))

    assert caught.value.message


def _levels(count: int, times: int) -> str:
    """Lists in which one list stands many times, level by level: small, and long to go through."""
    text = "1"
    for name in "uvwxyz"[:count]:
        text = f"[[{','.join([name] * times)}] for {name} in [{text}]]"
    return text


@pytest.mark.timeout(60)  # what is not refused takes for ever
@pytest.mark.parametrize(
    "text",
    [
        _levels(6, 60),
        f"({_levels(4, 200)}) == ({_levels(4, 200)})",
        f"unique({_levels(6, 60)})",
        f"[{','.join(['repeat(item.s, 1000000)'] * 100)}]",
        f"[{','.join(['range(100000)'] * 200)}]",
        f"[{','.join(['item.many'] * 400)}]",
        "[range(100000) for i in range(100000)]",
        f"[{','.join(['parse_json(item.json)'] * 150)}]",
        "[matches(x, '(a|aa)+$') for x in item.slow]",
        " or ".join(["matches(item.slow[0], '(a|aa)+$')"] * 60),
    ],
    ids=lambda text: text[:40],
)
def test_many_small_things_are_refused_before_they_are_large(text: str) -> None:
    item = {
        "s": "😀", "many": list(range(100_000)), "json": "[" + "[]," * 50_000 + "1]",
        "slow": ["a" * 25 + "!"] * 200,
    }  # fmt: skip
    with pytest.raises(ExpressionError) as caught:
        compile_expression(text)(item)

    assert caught.value.code == "expression.too_costly"


def test_a_template_grows_no_larger_than_a_text() -> None:
    template = compile_template("{{ repeat('a', 9000000) }}" * 3)
    with pytest.raises(ExpressionError) as caught:
        template({})

    assert caught.value.code == "expression.too_costly"


def test_a_template_has_no_more_places_than_anybody_writes() -> None:
    with pytest.raises(ExpressionError) as caught:
        compile_template("".join(f"{{{{{number}}}}}" for number in range(20_000)))

    assert caught.value.code == "expression.too_big"


@pytest.mark.timeout(60)  # what is not refused takes for ever
@pytest.mark.parametrize("text", REFUSED, ids=lambda text: ascii(text)[:60])
def test_is_refused_in_a_template(text: str) -> None:
    with pytest.raises(ExpressionError):
        compile_template("{{ " + text + " }}")(dict(ITEM))


class Guarded:
    """An object of Python that a record should not hold, and what reaches for it."""

    touched = False

    def __getattribute__(self, name: str) -> Any:
        if not name.startswith("__"):
            Guarded.touched = True
        return object.__getattribute__(self, name)

    secret = "secret"


@pytest.mark.parametrize(
    "text",
    [
        "item.o.secret", "item.o['secret']", "coalesce(item.o.secret, 1)", "get(item.o, 'secret')",
        "[x.secret for x in [item.o]]", "pluck([item.o], 'secret')", "text(item.o)", "item.o()",
        "to_json(item.o)", "item.o.secret.x", "has(item.o, 'secret')",
    ],
)  # fmt: skip
def test_attributes_of_objects_stay_out_of_reach(text: str) -> None:
    Guarded.touched = False
    with pytest.raises(ExpressionError):
        compile_expression(text)({"o": Guarded()})

    assert not Guarded.touched


def test_the_function_has_no_builtins() -> None:
    compiled = compile_expression("item.x + 1")

    assert compiled.function.__globals__["__builtins__"] == {}
    assert "sys" not in compiled.function.__globals__


def test_functions_with_nothing_of_python_behind_them() -> None:
    unsafe = {
        "eval",
        "exec",
        "open",
        "getattr",
        "setattr",
        "vars",
        "dir",
        "type",
        "compile",
        "print",
    }

    assert not unsafe & set(FUNCTIONS)


NAMES = st.sampled_from(
    ["item", "item.x", "item.l", "x", "vars", "__import__", "_meter", "upper", "item.__class__"]
)
PIECES = st.lists(
    NAMES
    | st.sampled_from(list("()[]{}.,:+-*/%<>=!&|^~@'\"\\ \n#0123456789"))
    | st.sampled_from(
        [" for ", " in ", " if ", " else ", " lambda ", " not ", "**", "==", ":=", "f'"]
    )
    | st.sampled_from(sorted(FUNCTIONS)),
    max_size=25,
)


@given(PIECES.map("".join) | st.text(max_size=60))
@settings(max_examples=400)
def test_any_text_is_a_value_or_an_expression_error(text: str) -> None:
    modules = set(sys.modules)
    try:
        found = compile_expression(text)(dict(ITEM))
    except ExpressionError:
        return
    assert isinstance(found, str | int | float | list | dict | None)
    assert set(sys.modules) == modules


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=2)
    ),
    max_leaves=5,
)


@pytest.mark.parametrize("name", sorted(FUNCTIONS))
@given(values=st.lists(VALUES, max_size=4))
@settings(max_examples=40)
def test_any_value_in_any_function_is_a_value_or_an_expression_error(
    name: str, values: list[Any]
) -> None:
    try:
        arguments = ", ".join(f"item[{at}]" for at in range(len(values)))
        found = compile_expression(f"{name}({arguments})")(values)
    except ExpressionError:
        return
    assert isinstance(found, str | int | float | list | dict | None)
