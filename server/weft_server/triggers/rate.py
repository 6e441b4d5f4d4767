"""How often a webhook may be called: a bucket that fills again, in this process."""

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

_MOST: Final = 10_000


class Rate:
    """One bucket for each trigger; a minute's worth may come at once."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, trigger_id: str, per_minute: int) -> float:
        """Take one; answers 0.0, or after how many seconds there will be one again."""
        now = self._now()
        left, at = self._left.pop(trigger_id, (float(per_minute), now))
        left = min(float(per_minute), left + (now - at) * per_minute / 60)
        wait = 0.0 if left >= 1 else (1 - left) * 60 / per_minute
        self._left[trigger_id] = (left - 1 if wait == 0 else left, now)
        while len(self._left) > _MOST:
            self._left.popitem(last=False)
        return wait
