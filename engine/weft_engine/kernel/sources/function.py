"""A function that is asked for one record at a time."""

import inspect
import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

from weft_engine.kernel.connectors import Reader, ReaderContext, Source
from weft_engine.kernel.functions import SourceFunction, StopSignal, instantiate

T = TypeVar("T")

_LONG_S: Final = 0.005


class FunctionSource(Source[T]):
    """Asks a function for records: None is for none right now, a `StopSignal` for the end.

    One subtask asks. It cannot be read again from an earlier place, so that an environment with a
    checkpoint folder writes its records to a log first.
    """

    replayable = False

    def __init__(
        self,
        fn: Callable[[], T | Any] | SourceFunction[T] | type[SourceFunction[T]],
        *,
        bounded: bool = False,
    ) -> None:
        self._fn = fn
        self.bounded = bounded

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[T]:
        call, owner = instantiate(self._fn)
        return _Asking(call, owner, context, position or 0)


class _Asking:
    """One object that is asked."""

    def __init__(
        self, call: Callable[[], Any], owner: Any, context: ReaderContext, count: int
    ) -> None:
        self._call = call
        self._owner = owner
        self._count = count
        self._ended = False
        self._error: Exception | None = None
        if hasattr(owner, "open"):
            owner.open(context)

    def read(self, limit: int) -> list[Any] | None:
        if self._error is not None:
            raise self._error
        if self._ended:
            return None
        part: list[Any] = []
        until = time.monotonic() + _LONG_S
        while len(part) < limit:
            try:
                record = self._call()
            except Exception as exc:
                if not part:
                    raise
                self._error = exc  # after the records that came before it
                break
            if isinstance(record, StopSignal) or record is StopSignal:
                self._ended = True
                break
            if record is None:
                break
            part.append(record)
            if time.monotonic() > until:
                break
        self._count += len(part)
        return None if self._ended and not part else part

    def position(self) -> int:
        return self._count

    def close(self) -> None:
        owner, self._owner = self._owner, None
        if hasattr(owner, "close"):
            owner.close()


def is_source_function(given: Any) -> bool:
    """Whether it is a `SourceFunction`, or a class of such."""
    return isinstance(given, SourceFunction) or (
        inspect.isclass(given) and issubclass(given, SourceFunction)
    )
