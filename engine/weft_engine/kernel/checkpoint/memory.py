"""Checkpoints in memory: for jobs that stay in one process, and for tests that break things."""

import threading
from collections.abc import Callable, Iterable
from typing import Any

from weft_engine.kernel.checkpoint.files import in_use
from weft_engine.kernel.checkpoint.storage import Storage


class Memory(Storage):
    """Checkpoints that end with the process.

    `before_put` is called with the name of everything that is about to be kept; what it raises is
    what the write fails with. `data` may be changed to damage what was written.
    """

    def __init__(self) -> None:
        self.data: dict[str, bytes] = {}
        self.puts = 0
        """How much was written so far."""
        self.before_put: Callable[[str], None] | None = None
        self._owner: str | None = None
        self._guard = threading.Lock()

    def __reduce__(self) -> Any:
        raise TypeError("Memory() stays in its process; use Files(directory) for several")

    def put(self, name: str, data: bytes | memoryview) -> None:
        """Keep a copy."""
        with self._guard:
            self.puts += 1
        if self.before_put is not None:
            self.before_put(name)
        with self._guard:
            self.data[name] = bytes(data)

    def get(self, name: str) -> bytes:
        """What is kept by that name."""
        with self._guard:
            try:
                return self.data[name]
            except KeyError:
                raise FileNotFoundError(name) from None

    def remove(self, names: Iterable[str]) -> None:
        """Forget."""
        with self._guard:
            for name in names:
                self.data.pop(name, None)

    def names(self, prefix: str) -> list[str]:
        """What is there."""
        with self._guard:
            return [name for name in self.data if name.startswith(prefix)]

    def acquire(self, owner: str) -> None:
        """Be the only job that uses it."""
        with self._guard:
            if self._owner is not None:
                raise in_use("the store in memory", self._owner)
            self._owner = owner

    def release(self) -> None:
        """Let others use it."""
        with self._guard:
            self._owner = None
