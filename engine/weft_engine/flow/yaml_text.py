"""YAML for flow files: the plain part of YAML 1.2.

Only `true`, `false`, `null` and numbers are anything but text, so `on`, `no`, `12:30` and
`2024-05-01` stay what was written. Anchors, aliases and tags are refused: they make small files
large and values surprising.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml

from weft_engine.flow.text_errors import Path, file_error
from weft_engine.flow.values import DEEPEST

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

INTEGER: Final = re.compile(r"^[-+]?[0-9]+$")
FLOAT: Final = re.compile(r"^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$")
_OTHER_BASES: Final = re.compile(r"^0(o[0-7]+|x[0-9a-fA-F]+)$")
_NOT_FINITE: Final = re.compile(r"^([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))$")
_FIXED: Final[dict[str, bool | None]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip
_LONGEST_NUMBER: Final = 400


def read_yaml(text: str) -> tuple[Any, dict[Path, int]]:
    """The value of a YAML text, and the line of every key and item."""
    try:
        return _Reader(text).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        problem = error.problem or error.context or "it is not YAML"
        raise file_error(
            problem, code="malformed", hint=_advice(text, line, problem), line=line,
            column=mark.column + 1 if mark else None,
        ) from None  # fmt: skip
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise file_error(
            "there is a character that YAML does not allow",
            code="malformed",
            hint="Remove it, or write it as an escape in double quotes.",
            line=line,
        ) from None


def _advice(text: str, line: int | None, problem: str) -> str:
    lines = text.splitlines()
    here = lines[line - 1] if line and line <= len(lines) else ""
    if "\t" in here[: len(here) - len(here.lstrip())] or "'\\t'" in problem:
        return "Indent with spaces, not with tabs."
    if "mapping values are not allowed" in problem:
        return "Put text that contains ': ' in quotes, and indent keys of one level alike."
    if "could not find expected ':'" in problem:
        return "A key is followed by a colon and a space."
    return "Look at brackets, quotes and indentation near this line."


class _Reader:
    """Builds the value event by event, so that nothing is built that is refused."""

    def __init__(self, text: str) -> None:
        self.events: Iterator[Any] = iter(yaml.parse(text, Loader=_Loader))
        self.lines: dict[Path, int] = {}

    def read(self) -> tuple[Any, dict[Path, int]]:
        value: Any = None
        documents = 0
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise file_error(
                        "there is a second document", code="malformed",
                        hint="One file holds one flow: remove the line ---.", line=_line(event),
                    )  # fmt: skip
                value = self._value(next(self.events), ())
        return value, self.lines

    def _value(self, event: Any, path: Path) -> Any:
        self._refuse_tricks(event)
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event, path)
        if len(path) >= DEEPEST:
            raise file_error(
                f"values are nested more than {DEEPEST} levels deep", code="too_deep",
                hint="Write deep data as JSON text in one setting.", line=_line(event),
            )  # fmt: skip
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return self._mapping(path)

    def _refuse_tricks(self, event: Any) -> None:
        alias = isinstance(event, yaml.AliasEvent)
        if alias or getattr(event, "anchor", None):
            raise file_error(
                f"{'*' if alias else '&'}{event.anchor} is a YAML {'alias' if alias else 'anchor'}",
                code="alias", hint="Write the value out where it is used.", line=_line(event),
            )  # fmt: skip
        if getattr(event, "tag", None) not in (None, "!"):
            raise file_error(
                f"{event.tag} is a YAML tag", code="alias",
                hint="Remove it; put text in quotes.", line=_line(event),
            )  # fmt: skip

    def _sequence(self, path: Path) -> list[Any]:
        found: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            place = (*path, len(found))
            self.lines[place] = _line(event)
            found.append(self._value(event, place))
        return found

    def _mapping(self, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            self._refuse_tricks(event)
            if not isinstance(event, yaml.ScalarEvent):
                raise file_error(
                    "a key must be text", code="malformed", hint="Put the key in quotes.",
                    line=_line(event),
                )  # fmt: skip
            key = event.value
            place = (*path, key)
            if key in found:
                raise file_error(
                    f"the key {key!r} stands twice", code="duplicate_key",
                    hint=f"It stood in line {self.lines[place]} already; keep one of the two.",
                    line=_line(event), path=place, first=self.lines[place],
                )  # fmt: skip
            self.lines[place] = _line(event)
            found[key] = self._value(next(self.events), place)
        return found


def _line(event: Any) -> int:
    return int(event.start_mark.line) + 1


def _scalar(event: Any, path: Path) -> Any:
    text: str = event.value
    if event.style or not event.implicit[0]:
        return text
    if text in _FIXED:
        return _FIXED[text]
    if INTEGER.match(text) and len(text) < _LONGEST_NUMBER:
        return int(text)
    if FLOAT.match(text) and len(text) < _LONGEST_NUMBER:
        return float(text)
    if _OTHER_BASES.match(text) and len(text) < _LONGEST_NUMBER:
        return int(text, 0)
    if _NOT_FINITE.match(text):
        raise file_error(
            f"{text} is not a number that a flow can hold", code="bad_value",
            hint="Numbers are finite; put it in quotes when it is text.",
            line=_line(event), path=path,
        )  # fmt: skip
    return text
