"""How a function of the expression language is declared, and what its arguments must be.

Every function is pure, takes JSON values and gives one, and does bounded work: whatever grows is
measured before it is made.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, NoReturn, TypeVar

from weft_engine.errors import ExpressionError

Group = Literal["text", "number", "date", "list", "value"]
Plain = TypeVar("Plain", bound=Callable[..., Any])

MAX_TEXT: Final = 10_000_000
"""Characters that an expression may produce."""
MAX_ITEMS: Final = 1_000_000
"""Items that an expression may produce."""
MAX_INT: Final = 2**127
"""Whole numbers beyond it are refused: nobody means them, and they get slow."""


@dataclass(frozen=True)
class Function:
    """One function of the expression language."""

    name: str
    call: Callable[..., Any]
    group: Group
    signature: str
    en: str
    zh: str
    example: str
    """An expression, ` → ` and its value."""
    least: int
    most: int | None
    """How many arguments; None for any number."""
    lenient: bool = False
    """A missing field in an argument counts as null."""


FUNCTIONS: Final[dict[str, Function]] = {}
"""All functions by name, with help in English and Chinese."""

ALIASES: Final = {
    "len": "length",
    "str": "text",
    "float": "number",
    "int": "whole",
    "concat": "join",
    "strip": "trim",
    "ucase": "upper",
    "lcase": "lower",
    "substring": "slice",
    "avg": "mean",
    "average": "mean",
    "ifnull": "coalesce",
    "nvl": "coalesce",
    "isnull": "is_null",
    "isempty": "is_empty",
    "uppercase": "upper",
    "lowercase": "lower",
    "toupper": "upper",
    "tolower": "lower",
    "startswith": "starts_with",
    "endswith": "ends_with",
    "includes": "contains",
    "regex": "matches",
    "sort": "sorted",
}
"""Other words for functions, from Python, SQL, JavaScript and spreadsheets."""


def function(
    group: Group, signature: str, zh: str, example: str, *, lenient: bool = False
) -> Callable[[Plain], Plain]:
    """Add a function to the table; its docstring is its help, `zh` the same in Chinese.

    The arguments are read off the signature: `text, old, new` takes three, `x, digits?` one or
    two, `values…` one or more.
    """

    def add(call: Plain) -> Plain:
        name = call.__name__.rstrip("_")
        words = [word.strip() for word in signature.split(",")]
        least = sum(1 for word in words if not word.endswith("?"))
        most = None if signature.endswith("…") else len(words)
        FUNCTIONS[name] = Function(
            name=name,
            call=call,
            group=group,
            signature=f"{name}({signature})",
            en=(call.__doc__ or "").strip(),
            zh=zh,
            example=example,
            least=least,
            most=most,
            lenient=lenient,
        )
        return call

    return add


def type_of(value: Any) -> str:
    """What people call the type of a value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true or false"
    for kinds, word in _WORDS:
        if isinstance(value, kinds):
            return word
    return type(value).__name__


_WORDS: Final[list[tuple[tuple[type, ...], str]]] = [
    ((int, float), "number"),
    ((str,), "text"),
    ((list, tuple), "list"),
    ((dict,), "record"),
]


def refuse(function_name: str, wanted: str, value: Any) -> NoReturn:
    """Say that an argument is of the wrong type, or null."""
    if value is None:
        raise ExpressionError(
            f"{function_name}() needs {wanted}, and got null",
            code="expression.null_value",
            hint="Say what to use instead with coalesce(…, value).",
            params={"function": function_name, "wanted": wanted},
        )
    raise ExpressionError(
        f"{function_name}() needs {wanted}, and got {type_of(value)}",
        code="expression.wrong_type",
        hint=_convert(wanted),
        params={"function": function_name, "wanted": wanted, "got": type_of(value)},
    )


def _convert(wanted: str) -> str:
    return {
        "text": "Turn the value into text with text(…).",
        "a number": "Turn text into a number with number(…).",
    }.get(wanted, "")


def failed(message: str, hint: str = "", **params: Any) -> ExpressionError:
    """An argument that is of the right type, and still does not do."""
    return ExpressionError(message, code="expression.failed", hint=hint, params=params)


def too_costly(what: str) -> ExpressionError:
    """What would come out is too much."""
    return ExpressionError(
        f"the expression would produce {what}",
        code="expression.too_costly",
        hint="Take smaller steps, or split the work over several nodes.",
    )


def text_of(name: str, value: Any) -> str:
    """The argument, which must be text."""
    if isinstance(value, str):
        return value
    return refuse(name, "text", value)


def number_of(name: str, value: Any) -> int | float:
    """The argument, which must be a number."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value
    return refuse(name, "a number", value)


def whole_of(name: str, value: Any) -> int:
    """The argument, which must be a whole number."""
    number = number_of(name, value)
    if isinstance(number, int):
        return number
    if number.is_integer():
        return int(number)
    return refuse(name, "a whole number", value)


def list_of(name: str, value: Any) -> Sequence[Any]:
    """The argument, which must be a list."""
    if isinstance(value, list | tuple):
        return value
    return refuse(name, "a list", value)


def record_of(name: str, value: Any) -> dict[str, Any]:
    """The argument, which must be a record."""
    if isinstance(value, dict):
        return value
    return refuse(name, "a record", value)


def numbers_of(name: str, value: Any) -> list[int | float]:
    """The argument, which must be a list of numbers."""
    return [number_of(name, item) for item in list_of(name, value)]


def check_text(length: int) -> None:
    """Refuse to make a text of that length."""
    if length > MAX_TEXT:
        raise too_costly(f"a text of {length:,} characters")


def check_items(count: int) -> None:
    """Refuse to make a list of that length."""
    if count > MAX_ITEMS:
        raise too_costly(f"a list of {count:,} items")


def check_whole(number: int) -> int:
    """Refuse a whole number of that size."""
    if -MAX_INT < number < MAX_INT:
        return number
    raise too_costly("a whole number of more than 38 digits")
