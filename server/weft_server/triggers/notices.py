"""What the operating system tells of folders: one thread for all that are watched."""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from watchfiles import watch

LOOK_EVERY: Final = 60
"""After how many quiet seconds to look all the same, as disks of the network tell nothing."""
_QUIET_MS: Final = 1_000
_DEBOUNCE_MS: Final = 200

log = logging.getLogger("weft.triggers")


class Notices:
    """Tells that something below a folder may have changed."""

    def __init__(self, tell: Callable[[frozenset[Path]], None]) -> None:
        self._tell = tell
        self._folders: frozenset[Path] = frozenset()
        self._stop = threading.Event()
        self._task: asyncio.Task[None] | None = None

    async def keep(self, folders: frozenset[Path]) -> None:
        """Watch exactly these folders; all are told of once the watch is there."""
        dead = self._task is not None and self._task.done()
        if folders == self._folders and not dead:
            return
        await self.stop()
        self._folders = folders
        if folders:
            self._stop = threading.Event()
            self._task = asyncio.create_task(self._listen(folders, self._stop))

    async def stop(self) -> None:
        """End; the thread ends a moment later."""
        self._stop.set()
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._task, self._folders = None, frozenset()

    async def _listen(self, folders: frozenset[Path], stop: threading.Event) -> None:
        loop = asyncio.get_running_loop()
        ended = loop.create_future()

        def tell(changed: frozenset[Path]) -> None:
            if not stop.is_set():
                self._tell(changed)

        def work() -> None:
            outcome: Exception | None = None
            try:
                _watch(folders, stop, lambda changed: loop.call_soon_threadsafe(tell, changed))
            except Exception as error:  # noqa: BLE001 the task passes it on
                outcome = error
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, ended, outcome)

        # A thread of its own: it lasts, and the pools are for what ends.
        threading.Thread(target=work, name="weft-watch", daemon=True).start()
        try:
            await ended
        except (OSError, RuntimeError) as error:
            # Looking now and then goes on without it.
            log.warning("the system does not tell of changed files: %s", error)


def _settle(ended: "asyncio.Future[None]", outcome: Exception | None) -> None:
    if ended.done():
        return
    if outcome is None:
        ended.set_result(None)
    else:
        ended.set_exception(outcome)


def _watch(
    folders: frozenset[Path], stop: threading.Event, tell: Callable[[frozenset[Path]], object]
) -> None:
    quiet = -1
    for changes in watch(
        *folders,
        watch_filter=None,
        debounce=_DEBOUNCE_MS,
        stop_event=stop,
        rust_timeout=_QUIET_MS,
        yield_on_timeout=True,
        raise_interrupt=False,
        ignore_permission_denied=True,
    ):
        if changes:
            paths = [Path(path) for _, path in changes]
            tell(frozenset(folder for folder in folders
                           if any(path.is_relative_to(folder) for path in paths)))  # fmt: skip
        quiet = 0 if changes else quiet + 1
        # The first quiet second says that the watch is there.
        if quiet % LOOK_EVERY == 0 and not changes:
            tell(folders)
