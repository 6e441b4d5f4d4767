"""Windows of so many records."""

from typing import Any

from weft_engine.kernel.batch import MAX_TIME
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.streaming.windows.folding import Folding
from weft_engine.kernel.streaming.windows.operator import SKIPPED, WindowOperator
from weft_engine.kernel.windows import Window


class CountWindows(WindowOperator):
    """The last so many records of a key, after every so many.

    The last window of a key is emitted at the end of the input even if it is not full. Its event
    time is the greatest of its records. Keeps the records of the window, but only an accumulator
    when windows do not overlap.
    """

    def __init__(
        self, spec: OperatorSpec, folding: Folding, size: int, slide: int, **more: Any
    ) -> None:
        super().__init__(spec, folding, **more)
        self._size = size
        self._slide = slide
        self._overlap = size != slide

    def add(self, values: list[Any], keys: list[Any], times: list[int]) -> None:
        entries = self._table.begin(keys)
        take = self._take_sliding if self._overlap else self._take_tumbling
        for value, key, time in zip(values, keys, times, strict=True):
            held = take(entries.get(key), key, value, time)
            if held is not None:
                entries[key] = held
        self._table.done(keys)

    def advance(self, time: int) -> int | None:
        if time == MAX_TIME:
            self._flush()
        return time

    def due(self) -> int | None:
        return None

    def finish(self) -> None:
        self._flush()

    def _take_tumbling(self, state: Any, key: Any, value: Any, time: int) -> Any:
        """State is how many records there were, the accumulator, and the greatest time in it."""
        count, held, greatest = state or (0, None, 0)
        if count % self._size == 0:
            held, greatest = self._folding.create(), time
        after = self.add_one(held, value, time)
        if after is SKIPPED:
            return state
        count, greatest = count + 1, max(greatest, time)
        if count % self._size:
            return (count, after, greatest)
        self.emit(key, Window(count - self._size, count), after, greatest)
        return (count, None, 0)

    def _take_sliding(self, state: Any, key: Any, value: Any, time: int) -> Any:
        """State is how many records there were, and the last of them with their times."""
        count, last = (0, []) if state is None else state
        count += 1
        last.append((value, time))
        del last[: -self._size]
        if count % self._slide == 0:
            self._emit_last(key, count, last)
        return (count, last)

    def _emit_last(self, key: Any, count: int, last: list[tuple[Any, int]]) -> None:
        held: Any = self._folding.create()
        some = False
        for value, time in last:
            after = self.add_one(held, value, time)
            if after is not SKIPPED:
                held, some = after, True
        if some:
            window = Window(count - len(last), count)
            self.emit(key, window, held, max(time for _, time in last))

    def _flush(self) -> None:
        """The input has ended: emit what is not full."""
        for key, state in list(self._table.items()):
            self._table.delete(key)
            count = state[0]
            if count % self._slide == 0:
                continue
            if self._overlap:
                self._emit_last(key, count, state[1])
            else:
                self.emit(key, Window(count - count % self._size, count), state[1], state[2])
        self._out.flush()
