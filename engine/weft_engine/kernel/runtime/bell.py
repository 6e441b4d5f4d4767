"""How one thread waits for others, cheaply."""

import threading
from typing import Final

_LONGEST_S: Final = threading.TIMEOUT_MAX


class Bell:
    """Wakes the only thread that ever waits here; all is done with a lock of the owner's held.

    A `threading.Condition` makes a lock for each wait and keeps a list of who waits, all of it in
    Python: twice the time, of which a record that comes alone has to wait for most.
    """

    __slots__ = ("_lock", "_sleeper", "waiting")

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock
        self._sleeper = threading.Lock()
        self._sleeper.acquire()
        self.waiting = False
        """Whether somebody waits whom nobody has woken yet."""

    def wait(self, timeout: float | None) -> None:
        """Let go of the lock until `ring`, or for so many seconds."""
        self.waiting = True
        self._lock.release()
        rung = False
        try:
            if timeout is None:
                rung = self._sleeper.acquire()
            else:
                rung = self._sleeper.acquire(timeout=min(max(timeout, 0.0), _LONGEST_S))
        finally:
            self._lock.acquire()
            if not self.waiting and not rung:  # it rang just when the time was over
                self._sleeper.acquire(blocking=False)
            self.waiting = False

    def ring(self) -> None:
        """Wake the one that waits, if there is one."""
        if self.waiting:
            self.waiting = False
            self._sleeper.release()
