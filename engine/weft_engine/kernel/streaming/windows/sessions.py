"""Session windows: they end when nothing has come for as long as the gap.

Sessions that touch become one, with their accumulators, as in Flink's merging windows.
"""

from typing import Any, Final

from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.streaming.windows.folding import Folding
from weft_engine.kernel.streaming.windows.operator import EARLY, SKIPPED, WindowOperator
from weft_engine.kernel.windows import Window

_CLEAN: Final = ("clean",)

Session = list[Any]
"""Start, end, accumulator. The sessions of a key stand in their order and do not touch."""


class SessionWindows(WindowOperator):
    """Windows that grow with their records."""

    def __init__(self, spec: OperatorSpec, folding: Folding, gap: int, **more: Any) -> None:
        super().__init__(spec, folding, **more)
        self._gap = gap

    def add(self, values: list[Any], keys: list[Any], times: list[int]) -> None:
        entries = self._table.begin(keys)
        for value, key, time in zip(values, keys, times, strict=True):
            sessions = entries.get(key)
            if sessions is None:
                sessions = []
            if self._take(sessions, key, value, time):
                entries[key] = sessions
                if self._early is not None:
                    self.set_early_timer(key)
        self._table.done(keys)

    def fire(self, due: Any) -> None:
        for time, key, tag in due:
            entries = self._table.begin([key])
            sessions = entries.get(key)
            if sessions is None:
                continue
            if tag is None:
                self._end(key, sessions, time)
            elif tag[0] == EARLY:
                self._before_the_end(key, sessions)
                continue
            while sessions and self.deadline(sessions[0][1]) + self._lateness <= time:
                sessions.pop(0)
            if not sessions:
                del entries[key]
            self._table.done([key])

    def _before_the_end(self, key: Any, sessions: list[Session]) -> None:
        for start, end, held in sessions:
            if not self._ended and (self._processing or self.deadline(end) > self._reached):
                self.emit(key, Window(start, end), held)

    def _end(self, key: Any, sessions: list[Session], time: int) -> None:
        for start, end, held in sessions:
            deadline = self.deadline(end)
            if deadline == time:
                self.emit(key, Window(start, end), held)
                if self._lateness:
                    self.set_timer(key, deadline + self._lateness, _CLEAN)
            elif deadline > time:
                self.set_timer(key, deadline)  # it has grown since its timer was set
                break

    def _take(self, sessions: list[Session], key: Any, value: Any, time: int) -> bool:
        """Take a record into the session it makes or joins; whether anything has changed."""
        if sessions and self._extend(sessions[-1], value, time):
            return True
        first, last = self._touched(sessions, time, time + self._gap)
        touched = sessions[first:last]
        start = min(time, touched[0][0]) if touched else time
        end = max(time + self._gap, touched[-1][1]) if touched else time + self._gap
        live = self._processing or end - 1 + self._lateness > self._reached
        if not live:
            self.late(value, time)
            return False
        held = self._merged(touched)
        after = self.add_one(held, value, time)
        if after is SKIPPED:
            return False
        sessions[first:last] = [[start, end, after]]
        self._arrange(key, touched, Window(start, end), after)
        return True

    def _extend(self, session: Session, value: Any, time: int) -> bool:
        """The usual case: the record lies in the last session, which has not ended yet."""
        start, end, held = session
        if not start <= time <= end or not (self._processing or end - 1 > self._reached):
            return False
        after = self.add_one(held, value, time)
        if after is not SKIPPED:
            session[1], session[2] = max(end, time + self._gap), after
        return True

    def _merged(self, touched: list[Session]) -> Any:
        if not touched:
            return self._folding.create()
        held = touched[0][2]
        if len(touched) > 1:
            held = self._folding.fresh(held)  # the record may still be left out
        for session in touched[1:]:
            held = self._folding.merge(held, session[2])
        return held

    def _touched(self, sessions: list[Session], start: int, end: int) -> tuple[int, int]:
        """The range of sessions that a span touches; most often the last one or none."""
        last = len(sessions)
        while last and sessions[last - 1][0] > end:
            last -= 1
        first = last
        while first and sessions[first - 1][1] >= start:
            first -= 1
        return first, last

    def _arrange(self, key: Any, touched: list[Session], window: Window, held: Any) -> None:
        """See to it that the session fires: at once if it is over already, or by a timer."""
        deadline = self.deadline(window.end)
        if not self._processing and deadline <= self._reached:
            self.emit(key, window, held)
            self.set_timer(key, deadline + self._lateness, _CLEAN)
            return
        waiting = self._processing or any(
            self.deadline(session[1]) > self._reached for session in touched
        )
        if not touched or not waiting:
            self.set_timer(key, deadline)
