"""The value types that nodes exchange, to annotate `process` and `build` with.

    def process(self, document: Document, question: Text) -> Iterator[Chunk]: ...

Each is an ordinary Python type whose values are JSON; `of` reads the port type off an annotation.
"""

import datetime
import types
from collections.abc import (
    AsyncGenerator,
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Coroutine,
    Generator,
    Iterable,
    Iterator,
    Mapping,
)
from dataclasses import dataclass
from enum import Enum
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NotRequired,
    TypeVar,
    Union,
    get_args,
    get_origin,
)

# pydantic describes these only from Python 3.12 on when they come from `typing`.
from typing_extensions import TypedDict

from weft_engine.nodes.fits import Fit, fits
from weft_engine.nodes.port_type import PortType, list_of, optional, parse, stream_of

__all__ = [
    "SKIP",
    "Any",
    "Bool",
    "Chunk",
    "Date",
    "Document",
    "Embedding",
    "File",
    "Fit",
    "Html",
    "Image",
    "Json",
    "Message",
    "Number",
    "PortType",
    "Row",
    "Skip",
    "Table",
    "Text",
    "fits",
    "of",
    "parse",
]


@dataclass(frozen=True)
class TypeName:
    """Names the port type of an annotation whose Python type does not say it."""

    name: str


Text = str
Number = float
Bool = bool
Date = Annotated[str, TypeName("Date")]
"""A moment or a day, as ISO 8601 text."""
Json = Annotated[Any, TypeName("Json")]
"""Text, number, true or false, null, a list or an object of these."""
Row = dict[str, Any]
"""A record: fields with values."""
Table = list[Row]
Html = Annotated[str, TypeName("Html")]
Embedding = Annotated[list[float], TypeName("Embedding")]


class Document(TypedDict):
    """A text with where it comes from."""

    text: str
    id: NotRequired[str]
    source: NotRequired[str]
    metadata: NotRequired[Row]


class Chunk(Document):
    """A part of a document."""

    document: NotRequired[str]
    index: NotRequired[int]
    start: NotRequired[int]
    end: NotRequired[int]


class Message(TypedDict):
    """One turn of a conversation."""

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    name: NotRequired[str]


class File(TypedDict):
    """A file, by its path."""

    path: str
    media_type: NotRequired[str]
    size: NotRequired[int]


class Image(TypedDict):
    """A picture, by its path."""

    path: str
    media_type: NotRequired[str]
    width: NotRequired[int]
    height: NotRequired[int]


class Skip(Enum):
    """The type of `SKIP`."""

    SKIP = "skip"

    def __repr__(self) -> str:
        return "SKIP"


SKIP: Final = Skip.SKIP
"""A field of a NamedTuple holds it when that port is not taken."""

_BY_CLASS: Final[dict[Any, str]] = {
    str: "Text",
    int: "Number",
    float: "Number",
    bool: "Bool",
    datetime.date: "Date",
    datetime.datetime: "Date",
    Document: "Document",
    Chunk: "Chunk",
    Message: "Message",
    File: "File",
    Image: "Image",
    Any: "Any",
    object: "Any",
    dict: "Row",
    list: "list",
}
_MANY: Final = (
    Iterator, Iterable, Generator, AsyncIterator, AsyncIterable, AsyncGenerator,
)  # fmt: skip
_LATER: Final = (Awaitable, Coroutine)
_UNIONS: Final = (Union, types.UnionType)


def of(annotation: Any) -> PortType:
    """Read the port type off a Python annotation."""
    if isinstance(annotation, TypeVar):
        return parse(annotation.__name__.removesuffix("_co"))
    origin, args = get_origin(annotation), get_args(annotation)
    if origin is None:
        return _of_class(annotation)
    if origin is Annotated:
        return _of_annotated(args)
    if origin in _UNIONS:
        return _of_union(args)
    if origin is Literal:
        return _of_class(type(args[0]))
    if origin in _MANY or is_data_stream(origin):
        return stream_of(of(args[0]))
    if origin in _LATER:
        return of(args[-1])
    if origin is list:
        return list_of(of(args[0]))
    if origin is dict or origin is Mapping:
        return PortType("Row")
    raise TypeError(f"{annotation!r} is no type that a port can have")


def is_data_stream(annotation: Any) -> bool:
    """Whether it is the kernel's `DataStream`, which `build` takes and returns."""
    return getattr(get_origin(annotation) or annotation, "__name__", "") == "DataStream"


def _of_class(annotation: Any) -> PortType:
    if is_data_stream(annotation):
        return stream_of(PortType("Any"))
    name = _BY_CLASS.get(annotation)
    if name == "list":
        return list_of(PortType("Any"))
    if name is None and isinstance(annotation, type):
        name = next(
            (_BY_CLASS[base] for base in annotation.__mro__[:-1] if base in _BY_CLASS), None
        )
    if name is None:
        raise TypeError(f"{annotation!r} is no type that a port can have")
    return PortType(name)


def _of_annotated(args: tuple[Any, ...]) -> PortType:
    named = [meta.name for meta in args[1:] if isinstance(meta, TypeName)]
    return parse(named[-1]) if named else of(args[0])


def _of_union(args: tuple[Any, ...]) -> PortType:
    members = [arg for arg in args if arg not in (type(None), Skip)]
    kinds = {of(member) for member in members}
    kind = kinds.pop() if len(kinds) == 1 else PortType("Json")
    return optional(kind) if type(None) in args else kind
