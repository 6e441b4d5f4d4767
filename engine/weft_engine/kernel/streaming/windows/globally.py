"""One window of all records of a key."""

from typing import Any

from weft_engine.kernel.batch import MAX_TIME, MIN_TIME
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.streaming.windows.folding import Folding
from weft_engine.kernel.streaming.windows.operator import SKIPPED, WindowOperator
from weft_engine.kernel.windows import Window

_ALL = Window(MIN_TIME, MAX_TIME)


class GlobalWindows(WindowOperator):
    """Results after so many records, or as often as so much time has passed, and at the end.

    Only when there are records that no result has counted yet. The event time of a result is the
    greatest of its records. With `purge`, records count in one result only.
    """

    def __init__(
        self,
        spec: OperatorSpec,
        folding: Folding,
        after: int | None,
        every: int | None,
        purge: bool,
        **more: Any,
    ) -> None:
        super().__init__(spec, folding, **more)
        self._after = after
        self._every = every
        self._purge = purge

    def add(self, values: list[Any], keys: list[Any], times: list[int]) -> None:
        entries = self._table.begin(keys)
        for value, key, time in zip(values, keys, times, strict=True):
            state = entries.get(key)
            new, held, greatest = (0, self._folding.create(), time) if state is None else state
            after = self.add_one(held, value, time)
            if after is SKIPPED:
                continue
            state = (new + 1, after, max(greatest, time))
            if self._after is not None and state[0] >= self._after:
                state = self._result(key, state)
            elif self._every is not None and not new:
                self._arrange(key, time, self._every)
            if state is None:
                entries.pop(key, None)
            else:
                entries[key] = state
        self._table.done(keys)

    def advance(self, time: int) -> int | None:
        super().advance(time)
        if time == MAX_TIME:
            self._flush()
        return time

    def finish(self) -> None:
        self._flush()

    def fire(self, due: Any) -> None:
        for _, key, _ in due:
            entries = self._table.begin([key])
            state = entries.get(key)
            if state is None or not state[0]:
                continue
            state = self._result(key, state)
            if state is None:
                del entries[key]
            else:
                entries[key] = state
            self._table.done([key])

    def _arrange(self, key: Any, time: int, every: int) -> None:
        if not self._processing:
            time = max(time, self._reached + 1)
        end = (time // every + 1) * every
        self.set_timer(key, self.deadline(end))

    def _result(self, key: Any, state: Any) -> Any:
        """Emit; what is left of the state, None for nothing."""
        _, held, greatest = state
        self.emit(key, _ALL, held, greatest)
        return None if self._purge else (0, held, greatest)

    def _flush(self) -> None:
        for key, state in list(self._table.items()):
            self._table.delete(key)
            if state[0]:
                self.emit(key, _ALL, state[1], state[2])
        self._out.flush()
