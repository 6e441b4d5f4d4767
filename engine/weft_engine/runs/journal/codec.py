"""Values as bytes and back, exactly: int stays int, a tuple a tuple, a moment keeps its zone.

The form is MessagePack with extension types. The `msgpack` package writes it, because it can be
told to hand over everything that is not exactly a JSON type (`strict_types`), which costs nothing
for plain data. Reading builds data and nothing else: no pickle, nothing is imported, no code of
the classes runs, so bytes from an enemy can at worst not be read.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgpack  # type: ignore[import-untyped]  # it brings no types

from weft_engine.errors import said
from weft_engine.nodes.catalogue import BUILT_IN, Catalogue
from weft_engine.runs.journal.codec_classes import Classes
from weft_engine.runs.journal.codec_types import BY_TYPE, CLASS, READERS, UnfitError
from weft_engine.runs.journal.errors import unstorable, value_lost

DEEPEST: Final = 32
"""How deep tuples, sets and objects may lie in each other; lists and dicts go to some 500."""


class Codec:
    """Writes and reads values.

    Args:
        modules: Modules that define node types: objects of dataclasses, pydantic models, named
            tuples and enums of these, and of modules beside them in the same package, are kept as
            what they are. Other objects are refused.
    """

    def __init__(self, modules: Iterable[str] = ()) -> None:
        self._classes = Classes([f"{BUILT_IN}.", *modules])
        self._writers = [_writer(self._extension(depth)) for depth in range(DEEPEST + 1)]

    @classmethod
    def of(cls, catalogue: Catalogue) -> "Codec":
        """The codec for values of these node types."""
        return cls({node.__module__ for node in catalogue})

    def encode(self, value: Any, where: str = "") -> bytes:
        """A value as bytes.

        Args:
            value: What to write.
            where: The node and port that gave it, for the error.

        Raises:
            JournalError: `journal.unstorable` for what cannot be given back exactly.
        """
        try:
            return self._writers[0](value)
        except UnfitError as error:
            raise unstorable(error.reason, where, error.kind) from error
        except (ValueError, OverflowError, RecursionError) as error:
            reason = "it is too deep, or contains itself" if "recursion" in str(error) else None
            reason = reason or said(error)
            raise unstorable(reason, where, type(value).__qualname__) from error

    def decode(self, data: bytes | memoryview) -> Any:
        """The value that was encoded.

        Raises:
            JournalError: `journal.value_lost` for bytes that are none of a value.
        """
        try:
            return self._read(data, 0)
        except Exception as error:
            raise value_lost("", said(error)) from error

    def decode_all(self, data: bytes) -> Iterator[Any]:
        """The values whose bytes stand one after the other."""
        reader = msgpack.Unpacker(
            ext_hook=self._hook(0), max_buffer_size=len(data) or 1, **_READING
        )
        reader.feed(data)
        try:
            yield from reader
            whole = reader.tell() == len(data)
        except Exception as error:
            raise value_lost("", said(error)) from error
        if not whole:
            raise value_lost("", "it ends too early")

    # One level of extension inside another

    def _extension(self, depth: int) -> Callable[[Any], Any]:
        def extend(value: Any) -> Any:
            """What the writer does not know as plain data."""
            if depth == DEEPEST:
                raise UnfitError(type(value), "it is too deep, or contains itself")
            known = BY_TYPE.get(type(value))
            code, content = known(value) if known else (CLASS, self._classes.take_apart(value))
            return msgpack.ExtType(code, self._writers[depth + 1](content))

        return extend

    def _hook(self, depth: int) -> Callable[[int, bytes], Any]:
        def restore(code: int, data: bytes) -> Any:
            if depth == DEEPEST:
                raise ValueError("it is too deep")
            content = self._read(data, depth + 1)
            if code == CLASS:
                return self._classes.put_together(content)
            return READERS[code](content)

        return restore

    def _read(self, data: bytes | memoryview, depth: int) -> Any:
        return msgpack.unpackb(data, ext_hook=self._hook(depth), **_READING)


_READING: Final[dict[str, Any]] = {
    "strict_map_key": False,
    "unicode_errors": "surrogatepass",
    "raw": False,
}


def _writer(extend: Callable[[Any], Any]) -> Callable[[Any], bytes]:
    def write(value: Any) -> bytes:
        # A packer may not be used by two threads, nor again while it works: each call has its own.
        data: bytes = msgpack.packb(
            value, default=extend, strict_types=True, unicode_errors="surrogatepass"
        )
        return data

    return write
