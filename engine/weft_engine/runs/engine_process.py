"""The engine's process, as the server starts and ends it."""

import asyncio
import contextlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from weft_engine.errors import ResourceError
from weft_engine.runs import protocol
from weft_engine.runs.link import Link
from weft_engine.surroundings import for_engine

_LONGEST_PATH: Final = 100
_START_S: Final = 30.0
_STOP_S: Final = 3.0


class EngineProcess:
    """Starts the process, connects to it, ends it; one at a time."""

    def __init__(
        self,
        socket_path: Path,
        data_dir: Path,
        options: Mapping[str, int | None],
        journal: str | None,
    ) -> None:
        """Prepare to start it.

        Args:
            socket_path: Where its socket is to be.
            data_dir: Where blobs and the journal are.
            options: Words of its command line, with their values; None is left out.
            journal: Path or address of the journal; in the data directory when empty.
        """
        self._wanted_path = socket_path
        self._data_dir = data_dir
        self._options = options
        self._journal = journal
        self._short_dir: Path | None = None
        self._process: asyncio.subprocess.Process | None = None

    @property
    def pid(self) -> int | None:
        """Its id, while it runs."""
        return self._process.pid if self._process and self._process.returncode is None else None

    async def connect(self, heard: Callable[[protocol.Push], None]) -> Link:
        """Start it and connect to it.

        Args:
            heard: Takes what it says.

        Raises:
            ResourceError: `run.engine_unavailable`: it does not start.
        """
        try:
            path = self._socket_path()
            path.unlink(missing_ok=True)
            self._process = await asyncio.create_subprocess_exec(
                *self._command(path),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                env=for_engine(),
            )
            self._hand_over(self._process)
            await asyncio.wait_for(_await_ready(self._process), _START_S)
            loop = asyncio.get_running_loop()
            _, link = await loop.create_unix_connection(lambda: Link(heard), str(path))
        except (OSError, TimeoutError, ResourceError) as exc:
            await self.end()
            raise unavailable() from exc
        return link

    def _hand_over(self, process: asyncio.subprocess.Process) -> None:
        """The journal's address may hold a password, which others could read in an environment."""
        if process.stdin is None:
            return
        # uvloop raises RuntimeError where the process has ended already; `_await_ready` says so.
        with contextlib.suppress(OSError, RuntimeError):
            process.stdin.write(f"{self._journal or ''}\n".encode())
            process.stdin.close()

    def _command(self, path: Path) -> list[str]:
        return [
            sys.executable,
            "-m",
            "weft_engine.runs.supervisor",
            "--socket",
            str(path),
            "--data",
            str(self._data_dir),
            "--journal",
            "-",
            *(
                word
                for name, value in self._options.items()
                if value
                for word in (name, str(value))
            ),
        ]

    def _socket_path(self) -> Path:
        """The wanted path, or a short one when the system would refuse it."""
        if len(os.fsencode(self._wanted_path.absolute())) <= _LONGEST_PATH:
            self._wanted_path.parent.mkdir(parents=True, exist_ok=True)
            return self._wanted_path.absolute()
        if self._short_dir is None:
            self._short_dir = Path(tempfile.mkdtemp(prefix="weft-"))
        return self._short_dir / "engine.sock"

    async def end(self) -> None:
        """End it: by itself, as its connection is gone, or by force."""
        process, self._process = self._process, None
        if process is None:
            return
        for end in (None, process.terminate, process.kill):
            if process.returncode is not None:
                break
            if end is not None:
                with contextlib.suppress(ProcessLookupError):
                    end()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(process.wait(), _STOP_S)

    def tidy_up(self) -> None:
        """Remove what was made for it."""
        if self._short_dir is not None:
            shutil.rmtree(self._short_dir, ignore_errors=True)
            self._short_dir = None


async def _await_ready(process: asyncio.subprocess.Process) -> None:
    if process.stdout is None or not await process.stdout.readline():
        raise unavailable()


def unavailable() -> ResourceError:
    """There is no engine now."""
    return ResourceError(
        "The engine is not running at the moment.",
        code="run.engine_unavailable",
        hint="It is started again by itself; try once more in a few seconds.",
        retryable=True,
    )
