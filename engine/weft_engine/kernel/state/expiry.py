"""When the entries of a state were last written, and which of them have lived long enough."""

from collections import deque
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

from weft_engine.kernel.state.api import Clock

_BUCKETS: Final = 8
_AT_LEAST: Final = 64


class Expiry:
    """The times of one state's entries.

    Keys are noted in buckets by the time they were written, an eighth of the time to live wide. A
    bucket that is old enough is gone through a little at every batch; keys in it that were written
    again since then are left alone, because what counts is `times`.
    """

    def __init__(self, ttl_ms: int, clock: Clock) -> None:
        self.ttl_ms = ttl_ms
        self.times: dict[Any, int] = {}
        self._clock = clock
        self._width = max(1, ttl_ms // _BUCKETS)
        self._buckets: deque[tuple[int, set[Any]]] = deque()
        self._old: list[Any] = []

    def written(self, keys: Collection[Any]) -> None:
        """These entries have been written just now."""
        now = self._clock()
        self.times.update(dict.fromkeys(keys, now))
        self._bucket(now).update(keys)

    def restored(self, key: Any, time: int) -> bool:
        """An entry was written at some time before; whether it is still alive."""
        if time <= self._clock() - self.ttl_ms:
            return False
        self.times[key] = time
        self._bucket(time).add(key)
        return True

    def forget(self, key: Any) -> None:
        """The entry is gone."""
        self.times.pop(key, None)

    def expired(self, keys: Iterable[Any]) -> list[Any]:
        """Those of these keys whose time is over."""
        times = self.times
        oldest = self._clock() - self.ttl_ms
        return [key for key in keys if (time := times.get(key)) is not None and time <= oldest]

    def swept(self, budget: int) -> Iterator[Any]:
        """Some of all keys whose time is over; looks at about as many as the budget says."""
        oldest = self._clock() - self.ttl_ms
        times = self.times
        for _ in range(budget + _AT_LEAST):
            if not self._old and not self._next_bucket(oldest):
                return
            key = self._old.pop()
            time = times.get(key)
            if time is not None and time <= oldest:
                yield key

    def _bucket(self, now: int) -> set[Any]:
        buckets = self._buckets
        if not buckets or now >= buckets[-1][0] + self._width:
            buckets.append((now, set()))
        return buckets[-1][1]

    def _next_bucket(self, oldest: int) -> bool:
        # The last time in a bucket is before its start plus its width.
        while self._buckets and self._buckets[0][0] + self._width <= oldest:
            self._old = list(self._buckets.popleft()[1])
            if self._old:
                return True
        return False
