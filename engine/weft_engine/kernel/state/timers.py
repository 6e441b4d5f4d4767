"""Timers by key: a heap by time in memory, and the timers themselves in a state."""

import heapq
from collections.abc import Iterator
from itertools import count
from typing import Any, Final

from weft_engine.kernel.state.api import StateSpec, Table

TIMERS: Final = StateSpec("weft.timers", namespaced=True)
"""The state that timers are kept in. Its keys are (key, which time, time, tag); its values say in
which order timers were set."""
_EVENT: Final = 0
_PROCESSING: Final = 1
_SLACK: Final = 1000

Entry = tuple[Any, int, int, Any]
Heap = list[tuple[int, int, int, Entry]]


class StateTimers:
    """Implements `Timers`.

    A timer that is taken back stays in the heap until its time comes or more than half of the heap
    is such; what counts is the state.
    """

    def __init__(self, table: Table) -> None:
        self._table = table
        self._heaps: tuple[Heap, Heap] = ([], [])
        self._stale = [0, 0]
        self._order = count()
        self._ties = count()
        self.rebuild()

    def rebuild(self) -> None:
        """Take what there is to do from the state, after it was restored."""
        heaps: tuple[Heap, Heap] = ([], [])
        last = -1
        for entry, order in self._table.items():
            heaps[entry[1]].append((entry[2], order, next(self._ties), entry))
            last = max(last, order)
        for heap in heaps:
            heapq.heapify(heap)
        self._heaps = heaps
        self._stale = [0, 0]
        self._order = count(last + 1)

    def set_event(self, key: Any, time: int, tag: Any = None) -> None:
        """Fire when the watermark reaches the time."""
        self._set((key, _EVENT, time, tag))

    def set_processing(self, key: Any, time: int, tag: Any = None) -> None:
        """Fire when the clock reaches the time."""
        self._set((key, _PROCESSING, time, tag))

    def delete_event(self, key: Any, time: int, tag: Any = None) -> None:
        """Do not fire."""
        self._delete((key, _EVENT, time, tag))

    def delete_processing(self, key: Any, time: int, tag: Any = None) -> None:
        """Do not fire."""
        self._delete((key, _PROCESSING, time, tag))

    def pop_event(self, time: int) -> Iterator[tuple[int, Any, Any]]:
        """Take out what is due, in order of time and then of setting, also what is set meanwhile.

        Each is taken out just before it is handed over.
        """
        return self._pop(_EVENT, time)

    def pop_processing(self, time: int) -> Iterator[tuple[int, Any, Any]]:
        """Take out what is due, in order of time and then of setting."""
        return self._pop(_PROCESSING, time)

    def next_processing(self) -> int | None:
        """When the first of the processing timers is due."""
        return self._next(_PROCESSING)

    def next_event(self) -> int | None:
        """When the first of the event timers is due."""
        return self._next(_EVENT)

    def _set(self, entry: Entry) -> None:
        if self._table.get(entry) is None:
            order = next(self._order)
            self._table.put(entry, order)
            heapq.heappush(self._heaps[entry[1]], (entry[2], order, next(self._ties), entry))

    def _delete(self, entry: Entry) -> None:
        if self._table.get(entry) is None:
            return
        self._table.delete(entry)
        kind = entry[1]
        self._stale[kind] += 1
        if self._stale[kind] > _SLACK and self._stale[kind] * 2 > len(self._heaps[kind]):
            self._clean(kind)

    def _clean(self, kind: int) -> None:
        get = self._table.get
        heap = self._heaps[kind]
        heap[:] = [item for item in heap if get(item[3]) == item[1]]
        heapq.heapify(heap)
        self._stale[kind] = 0

    def _pop(self, kind: int, time: int) -> Iterator[tuple[int, Any, Any]]:
        table = self._table
        heap = self._heaps[kind]
        while heap and heap[0][0] <= time:
            due, order, _, entry = heapq.heappop(heap)
            if table.get(entry) != order:
                self._stale[kind] -= 1
                continue
            table.delete(entry)
            yield due, entry[0], entry[3]

    def _next(self, kind: int) -> int | None:
        heap = self._heaps[kind]
        while heap:
            due, order, _, entry = heap[0]
            if self._table.get(entry) == order:
                return due
            heapq.heappop(heap)
            self._stale[kind] -= 1
        return None
