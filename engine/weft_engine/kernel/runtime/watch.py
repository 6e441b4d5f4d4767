"""Measures subtasks that are held up for so long that they cannot do it themselves."""

import threading
from collections.abc import Callable


class Watch:
    """Looks at all subtasks of a process from time to time, in a thread of its own."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._looks: list[Callable[[], None]] = []
        self._thread: threading.Thread | None = None

    def add(self, look: Callable[[], None]) -> None:
        """Have it called that often (never, if that is 0), until it is removed."""
        with self._lock:
            self._looks.append(look)
            if self._every_s and self._thread is None and not self._over.is_set():
                self._thread = threading.Thread(target=self._run, name="weft-watch", daemon=True)
                self._thread.start()

    def remove(self, look: Callable[[], None]) -> None:
        """Have it called no more; a call that is under way goes on."""
        with self._lock:
            if look in self._looks:
                self._looks.remove(look)

    def close(self) -> None:
        """Call nobody any more."""
        self._over.set()

    def _run(self) -> None:
        while not self._over.wait(self._every_s):
            with self._lock:
                looks = list(self._looks)
            for look in looks:
                look()
