"""What the fields of a document may hold.

Each parser takes any plain JSON and answers a value the flow model accepts, or `BAD`. The browser
has the same rules, so they are plain comparisons and not the conversions of a library.
"""

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from weft_engine.flow.model import ENVIRONMENTS, MODES
from weft_engine.flow.values import DEEPEST, ID_PATTERN, LARGEST_INTEGER

BAD: Final = object()
"""What a parser answers when the value cannot be used."""

Parser: TypeAlias = Callable[[Any], Any]

_ID = re.compile(ID_PATTERN.removesuffix("$") + r"\Z")
_FARTHEST: Final = 1e7
_LONGEST_KEY: Final = 200


def is_id(text: str) -> bool:
    """Whether a text can name a node, a note, a port, an input or a variable."""
    return _ID.match(text) is not None


def is_setting(key: str) -> bool:
    """Whether a text can name a setting."""
    return 1 <= len(key) <= _LONGEST_KEY and any_text(key) is not BAD


def any_text(given: Any) -> Any:
    """Any text that UTF-8 can carry."""
    if not isinstance(given, str):
        return BAD
    try:
        given.encode()
    except UnicodeEncodeError:
        return BAD
    return given


def text(longest: int, *, shortest: int = 0) -> Parser:
    """A text of bounded length, counted in code points."""

    def parse(given: Any) -> Any:
        fits = isinstance(given, str) and shortest <= len(given) <= longest
        return any_text(given) if fits else BAD

    return parse


line = text(200)
name = text(200, shortest=1)
prose = text(100_000)


def type_name(given: Any) -> Any:
    """The name of a node type: no blanks, at most 100 characters."""
    fits = isinstance(given, str) and 1 <= len(given) <= 100 and not re.search(r"\s", given)
    return any_text(given) if fits else BAD


def one_of(*allowed: str) -> Parser:
    """One of a few words."""

    def parse(given: Any) -> Any:
        return given if isinstance(given, str) and given in allowed else BAD

    return parse


mode = one_of(*MODES)
environment = one_of(*ENVIRONMENTS)
on_error = one_of("fail", "skip", "continue", "route")


def boolean(given: Any) -> Any:
    """True or false."""
    return given if isinstance(given, bool) else BAD


def whole(given: float) -> float | int:
    """The same number, as an integer if it is one that a browser keeps exactly."""
    if isinstance(given, float) and given.is_integer() and abs(given) <= LARGEST_INTEGER:
        return int(given)
    return given


def is_null(given: Any) -> bool:
    """Whether a value says nothing: null, or a number that JSON cannot write."""
    return given is None or (isinstance(given, float) and not math.isfinite(given))


def any_number(given: Any) -> Any:
    """A finite number."""
    if isinstance(given, bool) or not isinstance(given, int | float) or is_null(given):
        return BAD
    if isinstance(given, int) and abs(given) > LARGEST_INTEGER:
        try:
            return float(given)
        except OverflowError:
            return BAD
    return whole(given)


def number(lowest: float, highest: float, *, above: bool = False) -> Parser:
    """A number within bounds; with `above` the lower one is excluded."""

    def parse(given: Any) -> Any:
        found = any_number(given)
        if found is BAD or not lowest <= found <= highest or (above and found == lowest):
            return BAD
        return found

    return parse


def integer(lowest: int, highest: int) -> Parser:
    """A whole number within bounds; 5.0 is one."""
    within = number(lowest, highest)

    def parse(given: Any) -> Any:
        found = within(given)
        return found if isinstance(found, int) else BAD

    return parse


def value(given: Any, depth: int = 0) -> Any:
    """Any JSON value: whole numbers as integers, nested at most 32 deep."""
    if is_null(given):
        return None
    if isinstance(given, bool):
        return given
    if isinstance(given, str):
        return any_text(given)
    if isinstance(given, int | float):
        return any_number(given)
    if depth >= DEEPEST or not isinstance(given, list | Mapping):
        return BAD
    if isinstance(given, list):
        items = [value(item, depth + 1) for item in given]
        return BAD if any(item is BAD for item in items) else items
    return _object(given, depth)


def _object(given: Mapping[Any, Any], depth: int) -> Any:
    found = {}
    for key in given:
        item = value(given[key], depth + 1)
        if item is BAD or any_text(key) is BAD:
            return BAD
        found[key] = item
    return found


def _record(*, required: bool, **parsers: Parser) -> Parser:
    """An object of these members; others are ignored, a bad one spoils the whole."""

    def parse(given: Any) -> Any:
        if not isinstance(given, Mapping):
            return BAD
        found = {}
        for member, parser in parsers.items():
            raw = given.get(member)
            if is_null(raw):
                if required:
                    return BAD
                continue
            found[member] = parser(raw)
            if found[member] is BAD:
                return BAD
        return found

    return parse


_coordinate = number(-_FARTHEST, _FARTHEST)
_length = number(0, 1e5, above=True)
position = _record(required=True, x=_coordinate, y=_coordinate)
size = _record(required=True, width=_length, height=_length)
retry = _record(
    required=False,
    max_attempts=integer(1, 100),
    delay_s=number(0, 3600),
    backoff=number(1, 10),
    max_delay_s=number(0, 86_400),
)
resources = _record(
    required=False,
    cpu=number(0, 1024, above=True),
    gpu=number(0, 64),
    memory_mb=integer(1, 16_777_216),
)
checkpoint = _record(required=False, interval_s=number(0, 86_400, above=True), keep=integer(1, 100))
