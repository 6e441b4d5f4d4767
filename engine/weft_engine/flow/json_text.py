"""JSON for flow files, strict: no repeated keys, no NaN, and errors with their line."""

import json
import re
from typing import Any, Final, NoReturn

from weft_engine.flow.text_errors import Path, file_error

_LITERAL: Final = re.compile(r"[-+.\w]+")
_STRING: Final = re.compile(r'"(?:[^"\\]|\\.)*"')


class _RepeatedKeyError(Exception):
    """An object has a key twice."""


def read_json(text: str) -> Any:
    """The value of a JSON text."""
    try:
        return json.loads(text, object_pairs_hook=_pairs, parse_constant=_constant)
    except json.JSONDecodeError as error:
        raise file_error(
            f"this is not JSON: {error.msg[:1].lower()}{error.msg[1:]}",
            code="malformed",
            hint=_advice(text, error),
            line=error.lineno,
            column=error.colno,
        ) from None
    except _RepeatedKeyError:
        raise _repeated(text) from None
    except RecursionError:
        raise file_error("values are nested too deeply", code="too_deep") from None
    except ValueError as error:  # whole numbers of thousands of digits
        raise file_error(str(error), code="bad_value", hint="Write it as text.") from None


def _pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _RepeatedKeyError
    return found


def _constant(name: str) -> NoReturn:
    raise file_error(
        f"{name} is not a number that a flow can hold",
        code="bad_value",
        hint="Numbers are finite; put it in quotes when it is text.",
    )


def _advice(text: str, error: json.JSONDecodeError) -> str:
    before = text[: error.pos].rstrip()
    if before.endswith(",") and text[error.pos : error.pos + 1] in "}]":
        return "Remove the comma before the closing bracket."
    if text[error.pos : error.pos + 1] == "'":
        return "JSON uses double quotes."
    if "delimiter" in error.msg:
        return "Put a comma between two entries, and a colon after a key."
    if "Extra data" in error.msg:
        return "One file holds one flow."
    return "Look at commas, quotes and brackets near this line."


def _repeated(text: str) -> Exception:
    lines: dict[Path, int] = {}
    for path, line in _places(text):
        if path in lines:
            return file_error(
                f"the key {path[-1]!r} stands twice", code="duplicate_key",
                hint=f"It stood in line {lines[path]} already; keep one of the two.",
                line=line, path=path, first=lines[path],
            )  # fmt: skip
        lines[path] = line
    return file_error("a key stands twice", code="duplicate_key")


def lines_of(text: str) -> dict[Path, int]:
    """The line of every key and item of a valid JSON text."""
    return dict(_places(text))


def _places(text: str) -> list[tuple[Path, int]]:
    """Every key and item with its line, in the order of the text; a key may come twice."""
    found: list[tuple[Path, int]] = []
    stack: list[_Open] = []
    at, line = 0, 1
    while at < len(text):
        character = text[at]
        inside = stack[-1] if stack else None
        end = at + 1
        if character == "\n":
            line += 1
        elif character in "}]":
            stack.pop()
        elif character == "," and inside:
            inside.advance()
        elif character not in " \t\r:,":
            end = _end_of(text, at)
            if inside and inside.wants_place:
                inside.enter(text[at:end])
                found.append((tuple(step.key for step in stack), line))
            if character in "{[":
                stack.append(_Open(character == "["))
        at = end
    return found


def _end_of(text: str, at: int) -> int:
    match = _STRING.match(text, at) or _LITERAL.match(text, at)
    return match.end() if match else at + 1


class _Open:
    """A list or object whose end has not come yet."""

    def __init__(self, is_list: bool) -> None:
        self.is_list = is_list
        self.key: str | int = 0 if is_list else ""
        self.wants_place = True

    def advance(self) -> None:
        if isinstance(self.key, int):
            self.key += 1
        self.wants_place = True

    def enter(self, written: str) -> None:
        if not self.is_list:
            self.key = str(json.loads(written))
        self.wants_place = False
