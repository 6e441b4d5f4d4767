"""How many records are worth taking at once, and having in a queue, by how long they take.

What stands before a barrier is bounded by time: a queue of 8192 records is nothing to an operator
that takes a microsecond for each, and 40 seconds to one that takes five milliseconds. So it begins
with few records, as TCP does (slow start), allows twice as many after every list while that is
worth it, and few again as soon as records take long. Flink calls the same buffer debloating; as
there, the time includes that for which everything stands still because what is behind is full, for
that is how fast a queue empties.
"""

from typing import Final

FIRST: Final = 16
"""How many records are taken at once, and are queued a channel, before anything is known."""
_HISTORY_NS: Final = 200_000_000
_LIST_NS: Final = 20_000_000
_QUEUE_NS: Final = 80_000_000


class Tempo:
    """Learns how long records take. One thread tells it; any may read `limit` and `queued`."""

    __slots__ = ("_list_most", "_ns", "_queue_most", "_records", "limit", "queued")

    def __init__(self, list_most: int, queue_most: int = 1, channels: int = 1) -> None:
        """Make it.

        Args:
            list_most: The longest list.
            queue_most: The longest queue, of all channels together.
            channels: How many there are.
        """
        self._list_most = max(1, list_most)
        self._queue_most = max(1, queue_most)
        self.limit = min(FIRST, self._list_most)
        """How many records to take at once: worth 20 ms."""
        self.queued = min(FIRST * max(1, channels), self._queue_most)
        """How many may stand before them, in all channels: worth 80 ms."""
        self._ns = 0.0
        self._records = 0.0

    def took(self, nanoseconds: int, records: int) -> None:
        """So many records (more than none) took so long.

        Both are summed up, older ones counting less: as little as 1/e after 200 ms of work.
        """
        kept = _HISTORY_NS / (_HISTORY_NS + nanoseconds)
        self._ns = ns = self._ns * kept + nanoseconds
        self._records = count = self._records * kept + records
        each = max(ns / count, 1.0)
        self.limit = max(1, min(self._list_most, 2 * self.limit, int(_LIST_NS / each)))
        self.queued = max(1, min(self._queue_most, 2 * self.queued, int(_QUEUE_NS / each)))
