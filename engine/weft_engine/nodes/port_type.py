"""Port types as data, with their text form: `Text`, `Stream[Row]`, `list[T]`, `Optional[Text]`."""

import re
from dataclasses import dataclass
from typing import Any, Final

from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from weft_engine.errors import FlowError

BASES: Final = (
    "Text", "Number", "Bool", "Date", "Json", "Row", "Document", "Chunk", "Embedding",
    "Message", "Image", "File", "Html", "Any",
)  # fmt: skip
"""The types that are not made of others. `Table` is another name of `list[Row]`."""

_WRAPPERS: Final = ("Stream", "list", "Optional")
_TOKEN: Final = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_]*|[\[\]])")
_VARIABLE: Final = re.compile(r"^[A-Z][A-Z0-9]?$")
_LONGEST: Final = 200


@dataclass(frozen=True, slots=True)
class PortType:
    """The type of a port.

    `name` is one of `BASES`, `Stream`, `list`, `Optional`, or a variable such as `T`, which stands
    for whatever is wired; the three wrappers have an `item`.
    """

    name: str
    item: "PortType | None" = None

    @property
    def stream(self) -> bool:
        """Whether it carries records one after the other."""
        return self.name == "Stream"

    @property
    def list(self) -> bool:
        """Whether it carries all items at once."""
        return self.name == "list"

    @property
    def optional(self) -> bool:
        """Whether it may be null."""
        return self.name == "Optional"

    @property
    def variable(self) -> bool:
        """Whether it is a variable."""
        return self.item is None and _VARIABLE.match(self.name) is not None

    @property
    def inner(self) -> "PortType":
        """What it is made of; itself when it is not made of anything."""
        return self.item or self

    @property
    def variables(self) -> frozenset[str]:
        """The variables in it."""
        if self.item is not None:
            return self.item.variables
        return frozenset({self.name}) if self.variable else frozenset()

    def __str__(self) -> str:
        if self == TABLE:
            return "Table"
        return self.name if self.item is None else f"{self.name}[{self.item}]"

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _validate,
            json_schema_input_schema=core_schema.str_schema(),
            serialization=core_schema.to_string_ser_schema(),
        )


def stream_of(item: PortType) -> PortType:
    """`Stream[item]`; a stream of streams is one stream."""
    return item if item.stream else PortType("Stream", item)


def list_of(item: PortType) -> PortType:
    """`list[item]`."""
    return PortType("list", item)


def optional(item: PortType) -> PortType:
    """`Optional[item]`; what may be null already stays as it is."""
    return item if item.optional or item.name == "Any" else PortType("Optional", item)


TEXT: Final = PortType("Text")
NUMBER: Final = PortType("Number")
BOOL: Final = PortType("Bool")
JSON: Final = PortType("Json")
ROW: Final = PortType("Row")
ANY: Final = PortType("Any")
TABLE: Final = list_of(ROW)


def parse(text: str) -> PortType:
    """Read a port type from its text form."""
    if len(text) > _LONGEST:
        raise _malformed(f"{text[:40]}…", "it is too long")
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != re.sub(r"\s", "", text):
        raise _malformed(text, "it has characters that no type has")
    found, rest = _parse(text, tokens)
    if rest:
        raise _malformed(text, f"{rest[0]!r} stands where it should end")
    return found


def _parse(text: str, tokens: list[str]) -> tuple[PortType, list[str]]:
    if not tokens or tokens[0] in "[]":
        raise _malformed(text, "a type is missing")
    name, rest = tokens[0], tokens[1:]
    if name not in _WRAPPERS:
        return _named(text, name), rest
    if not rest or rest[0] != "[":
        raise _malformed(text, f"write what it holds, such as {name}[Text]")
    item, rest = _parse(text, rest[1:])
    if not rest or rest[0] != "]":
        raise _malformed(text, "a closing bracket is missing")
    if item.stream:
        raise _malformed(text, "a stream stands outermost")
    return (optional(item) if name == "Optional" else PortType(name, item)), rest[1:]


def _named(text: str, name: str) -> PortType:
    if name == "Table":
        return TABLE
    if name in BASES or _VARIABLE.match(name):
        return PortType(name)
    raise _malformed(text, f"there is no type {name!r}")


def _malformed(text: str, why: str) -> FlowError:
    return FlowError(
        f"{text!r} is not a port type: {why}",
        code="type.malformed",
        hint=f"Types are {', '.join(BASES)}, Table, list[…], Optional[…] and Stream[…].",
        params={"text": text},
    )


def _validate(value: Any) -> PortType:
    if isinstance(value, PortType):
        return value
    if not isinstance(value, str):
        raise ValueError("a port type is written as text")
    try:
        return parse(value)
    except FlowError as error:
        raise ValueError(error.message) from None
