"""Sending ends that hold records back for a while to make batches fuller."""

from collections.abc import Iterable

from weft_engine.kernel.runtime.router import Router


class Lingering:
    """Those of one subtask."""

    def __init__(self, routers: Iterable[Router]) -> None:
        self._routers = tuple(routers)

    def __bool__(self) -> bool:
        return bool(self._routers)

    @property
    def dues(self) -> list[float]:
        """When `flush` wants to be called, by the clock for lingering."""
        return [router.due for router in self._routers if router.due is not None]

    def flush(self, now: float) -> bool:
        """Send what has been held back long enough; whether there was anything."""
        due = [router for router in self._routers if router.due is not None and router.due <= now]
        for router in due:
            router.flush()
        return bool(due)
