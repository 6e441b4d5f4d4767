"""Tumbling and sliding windows, by slices.

Sliding windows overlap; a record is added once, to the slice it lies in, and windows are put
together from slices when they end (Li et al., "No Pane, No Gain", 2005). A slice is as long as
the greatest common divisor of size and slide. Aggregates that cannot be merged are kept per
window instead.
"""

from itertools import islice
from math import gcd
from typing import Any, Final

from weft_engine.kernel.batch import MIN_TIME
from weft_engine.kernel.physical import OperatorSpec
from weft_engine.kernel.state.api import StateSpec
from weft_engine.kernel.streaming.windows.folding import Folding
from weft_engine.kernel.streaming.windows.operator import EARLY, SKIPPED, WindowOperator
from weft_engine.kernel.windows import Window

_CLEAN: Final = "clean"
_CHUNK: Final = 1024
_GAP: Final = (-1,)
"""The plan for a slice that lies in no window."""
_NOTHING: Final[Any] = object()

Plan = tuple[int, ...] | None
Mark = tuple[Any, int]
"""A key and the start of a slice."""


class Slices:
    """Which slices a window is put together from."""

    def __init__(self, size: int, slide: int, offset: int, *, shared: bool) -> None:
        self.size = size
        self.slide = slide
        self.offset = offset
        self.shared = shared
        """Whether windows share slices; if not, there is one for each window."""
        self.length = gcd(size, slide) if shared else slide

    def ends(self, start: int) -> range:
        """The ends of the windows that have the slice, first to last."""
        if not self.shared:
            return range(start + self.size, start + self.size + 1)
        last = start - (start - self.offset) % self.slide + self.size
        first = last - self.slide * ((last - start - 1) // self.slide)
        return range(first, last + 1, self.slide)

    def starts(self, end: int) -> range:
        """The starts of the slices that a window has."""
        return range(end - self.size, end, self.length if self.shared else self.size)

    def starts_of(self, time: int) -> range:
        """The starts of the slices that a record is added to, first to last."""
        last = time - (time - self.offset) % self.length
        if self.shared:
            return range(last, last + 1)
        count = max((last + self.size - time - 1) // self.slide + 1, 0)
        return range(last - self.slide * (count - 1), last + 1, self.slide)


class SlicedWindows(WindowOperator):
    """Windows of one length."""

    def __init__(
        self, spec: OperatorSpec, folding: Folding, size: int, slide: int, offset: int, **more: Any
    ) -> None:
        super().__init__(spec, folding, **more)
        self._size = size
        self._slide = slide
        shared = folding.mergeable or size == slide
        self._slices = Slices(size, slide, offset, shared=shared)
        self._plans: dict[int, Plan] = {}
        self._planned_at = MIN_TIME
        self._in_chunks = not (self._lateness or self._early) and (size == slide or not shared)
        """Timers can be handled many at a time: none of them calls for another."""

    def state(self) -> StateSpec:
        return StateSpec("slices", namespaced=True)

    def add(self, values: list[Any], keys: list[Any], times: list[int]) -> None:
        if not self._slices.shared:
            values, keys, times, marks = self._spread(values, keys, times)
        else:
            length, offset = self._slices.length, self._slices.offset
            marks = [
                (key, time - (time - offset) % length)
                for key, time in zip(keys, times, strict=True)
            ]
        if marks:
            self._add(values, times, marks)

    def _add(self, values: list[Any], times: list[int], marks: list[Mark]) -> None:
        if self._planned_at != self._reached:
            self._plans, self._planned_at = {}, self._reached
        plans, usual = self._plans, True
        for start in {start for _, start in marks}:
            if start not in plans:
                plans[start] = self._plan(start)
            usual = usual and plans[start] == ()
        if usual:
            self._add_all(values, times, marks)
            return
        for value, time, mark in zip(values, times, marks, strict=True):
            plan = plans[mark[1]]
            if plan is None:
                self.late(value, time)
            elif plan is not _GAP:
                self._add_all([value], [time], [mark])
                for end in plan:
                    self._complete(mark[0], end)

    def _add_all(self, values: list[Any], times: list[int], marks: list[Mark]) -> None:
        create, add = self._folding.create, self._folding.add
        entries = self._table.begin(marks)
        for value, time, mark in zip(values, times, marks, strict=True):
            held = entries.get(mark, _NOTHING)
            new = held is _NOTHING
            if new:
                held = create()
            try:
                after = add(held, value)
            except Exception as exc:  # noqa: BLE001 - whatever a function raises is its failure
                after = self.settle(exc, held, value, time)
                if after is SKIPPED:
                    continue
            entries[mark] = after
            if new:
                self._arrange(*mark)
            if self._early is not None:
                for end in self._slices.ends(mark[1]):
                    self.set_early_timer(mark[0], end)
        self._table.done(marks)

    def fire(self, due: Any) -> None:
        if self._in_chunks:
            self._fire_chunks(due)
            return
        for time, key, tag in due:
            if tag is None:
                self._complete(key, time if self._processing else time + 1, ended=True)
            elif tag[0] == EARLY:
                self._before_the_end(key, tag[1])
            else:
                self._table.delete((key, tag[1]))

    def _before_the_end(self, key: Any, end: int) -> None:
        if not self._ended and (self._processing or end - 1 > self._reached):
            self._complete(key, end)

    def _fire_chunks(self, due: Any) -> None:
        """Windows of one slice each, many at a time."""
        more = 0 if self._processing else 1
        while chunk := list(islice(due, _CHUNK)):
            marks = [(key, time + more - self._size) for time, key, _ in chunk]
            entries = self._table.begin(marks)
            for mark in marks:
                held = entries.pop(mark, _NOTHING)
                if held is not _NOTHING:
                    self.emit(mark[0], Window(mark[1], mark[1] + self._size), held)
            self._table.done(marks)

    def _spread(
        self, values: list[Any], keys: list[Any], times: list[int]
    ) -> tuple[list[Any], list[Any], list[int], list[Mark]]:
        """Every record as often as there are windows that it is not too late for."""
        values_, keys_, times_, marks = [], [], [], []
        for value, key, time in zip(values, keys, times, strict=True):
            starts = self._slices.starts_of(time)
            live = [start for start in starts if self._plan(start) is not None]
            if starts and not live:
                self.late(value, time)
            for start in live:
                values_.append(value)
                keys_.append(key)
                times_.append(time)
                marks.append((key, start))
        return values_, keys_, times_, marks

    def _plan(self, start: int) -> Plan:
        """Which windows a record in the slice makes fire again; None when it is late for all."""
        ends = self._slices.ends(start)
        if not ends:
            return _GAP
        if self._processing:
            return ()
        reached, lateness = self._reached, self._lateness
        if ends[-1] - 1 + lateness <= reached:
            return None
        return tuple(end for end in ends if end - 1 <= reached < end - 1 + lateness)

    def _arrange(self, key: Any, start: int) -> None:
        """A slice is new: see to it that its windows fire and that it goes when it is over."""
        ends = self._slices.ends(start)
        for end in ends:
            if self._processing or end - 1 > self._reached:
                self.set_timer(key, self.deadline(end))
                break
        if self._lateness:
            self.set_timer(key, ends[-1] - 1 + self._lateness, (_CLEAN, start))

    def _complete(self, key: Any, end: int, *, ended: bool = False) -> None:
        """Emit a window; when it has just ended, go on to the next and drop what is over."""
        starts = self._slices.starts(end)
        marks = [(key, start) for start in starts]
        entries = self._table.begin(marks)
        there = [mark for mark in marks if mark in entries]
        if not there:
            return
        held = entries[there[0]]
        if len(there) > 1:
            held = self._folding.fresh(held)
            for mark in there[1:]:
                held = self._folding.merge(held, entries[mark])
        self.emit(key, Window(end - self._size, end), held)
        if not ended:
            return
        following = end + self._slide - self._size
        if self._slices.shared and there[-1][1] >= following:
            self.set_timer(key, self.deadline(end + self._slide))
        if not self._lateness:
            over = [mark for mark in there if not self._slices.shared or mark[1] < following]
            for mark in over:
                del entries[mark]
            self._table.done(over)
