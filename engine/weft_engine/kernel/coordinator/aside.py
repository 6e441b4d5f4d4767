"""Calls of code that may never return, while somebody may want to go."""

import threading
from collections.abc import Callable
from concurrent.futures import Future


class LeftBehind(Exception):  # noqa: N818 - not an error: it was asked for
    """Whoever waited for a call has gone; the call may go on."""


class Aside:
    """Makes calls in threads of their own, one after the other, and waits for each.

    The threads do not hold up the end of the process.
    """

    def __init__(self, name: str, grace_s: float) -> None:
        self._name = name
        self._grace_s = grace_s
        self._changed = threading.Condition()
        self._leaving = False

    def call(self, what: Callable[[], None]) -> None:
        """Call something and wait until it has returned; raises what it does.

        Raises:
            LeftBehind: when it has not returned in the time that `leave` allows.
        """
        done: Future[None] = Future()

        def make() -> None:
            try:
                what()
            except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
                done.set_exception(error)
            else:
                done.set_result(None)
            with self._changed:
                self._changed.notify_all()

        threading.Thread(target=make, name=self._name, daemon=True).start()
        with self._changed:
            self._changed.wait_for(lambda: done.done() or self._leaving)
            if not self._changed.wait_for(done.done, self._grace_s):
                raise LeftBehind
        done.result()

    def leave(self) -> None:
        """Whoever waits goes on after some grace; from any thread."""
        with self._changed:
            self._leaving = True
            self._changed.notify_all()
