"""What an async generator gives."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any, TypeVar

from weft_engine.errors import ResourceError
from weft_engine.kernel.connectors import Reader, ReaderContext, Source
from weft_engine.kernel.io_loop import io_loop, run_soon

T = TypeVar("T")


class AsyncSource(Source[T]):
    """What an async generator gives; it is called when reading begins, and may wait for long.

    It runs on the process's one loop for whatever waits, and is held back while `capacity` records
    have not been read.
    """

    replayable = False

    def __init__(
        self,
        factory: Callable[[], AsyncIterator[T]],
        *,
        bounded: bool = True,
        capacity: int = 1024,
    ) -> None:
        self._factory = factory
        self._capacity = capacity
        self.bounded = bounded

    def reader(self, split: Any, position: Any, context: ReaderContext) -> Reader[T]:
        return _AsyncReader(self._factory, self._capacity, context, position or 0)


class _AsyncReader:
    """Takes what a task on the loop has put down."""

    def __init__(
        self,
        factory: Callable[[], AsyncIterator[Any]],
        capacity: int,
        context: ReaderContext,
        count: int,
    ) -> None:
        self._capacity = capacity
        self._context = context
        self._count = count
        self._records: deque[Any] = deque()
        self._ended = False
        self._error: BaseException | None = None
        self._room = asyncio.Event()
        self._task = run_soon(self._pump(factory))

    async def _pump(self, factory: Callable[[], AsyncIterator[Any]]) -> None:
        records = factory()
        try:
            async for record in records:
                while len(self._records) >= self._capacity:
                    self._room.clear()
                    if len(self._records) >= self._capacity:
                        await self._room.wait()
                self._records.append(record)
                self._context.wake()
        except asyncio.CancelledError as exc:
            # Either nobody reads any more, or something it waits for was cancelled: not its end.
            self._error = exc
            raise
        except Exception as exc:  # noqa: BLE001 - raised again in read()
            self._error = exc
        finally:
            if hasattr(records, "aclose"):
                with suppress(Exception):
                    await records.aclose()
            self._ended = True
            self._context.wake()

    def read(self, limit: int) -> list[Any] | None:
        ended = self._ended  # before looking: what came before the end is then there
        part: list[Any] = []
        while self._records and len(part) < limit:
            part.append(self._records.popleft())
        if part:
            io_loop().call_soon_threadsafe(self._room.set)
        elif ended:
            if isinstance(self._error, asyncio.CancelledError):
                raise ResourceError(
                    "an async generator was cancelled by something that it waits for",
                    code="call.cancelled",
                    hint="Let it catch CancelledError where a cancelled task is no failure.",
                ) from self._error
            if self._error is not None:
                raise self._error
            return None
        self._count += len(part)
        return part

    def position(self) -> int:
        return self._count

    def close(self) -> None:
        self._task.cancel()
