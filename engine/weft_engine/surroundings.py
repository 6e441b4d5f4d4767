"""What processes are told by their environment, and what of it code of flows must not see.

Taking a variable out of `os.environ` is not enough: the system shows what a process was started
with in `/proc/PID/environ`, to itself and to others of the same user. So processes are started
without, where that can be, and elsewhere the bytes are overwritten.
"""

import ctypes
import os
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

_SERVER: Final = ("WEFT_DATABASE", "WEFT_SECRET", "WEFT_JOURNAL", "WEFT_ENGINE_JOURNAL")
"""Beginnings of names that only the server needs; the engine is told its journal otherwise."""
_HIDDEN: Final = (*_SERVER, "RAY_AUTH_", "OTEL_EXPORTER_OTLP_HEADERS")
"""Beginnings of names whose values no code of a flow may see in a worker."""
_ENV_START: Final = 47
"""Where `/proc/self/stat` has the place of the environment, behind the name of the program."""


def for_engine(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment that the engine's process is started with."""
    return _without(_SERVER, environ)


def for_workers(environ: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment that processes are started with in which code of flows runs."""
    return _without(_HIDDEN, environ)


def hide() -> None:
    """Let code in this process see no secrets of the server or of Ray."""
    for name in [name for name in os.environ if name.startswith(_HIDDEN)]:
        del os.environ[name]
    wipe()


def wipe() -> None:
    """Overwrite secrets that this process was started with; `os.environ` keeps them.

    Only Linux shows them, and only there anything is done.
    """
    for name in [name for name in os.environ if name.startswith(_HIDDEN)]:
        os.environ[name] = os.environ[name]  # libraries find them in a place that is not shown
    with suppress(OSError, ValueError, IndexError):
        _wipe(lambda name: name.startswith(tuple(part.encode() for part in _HIDDEN)))


def _wipe(hidden: Callable[[bytes], bool]) -> None:
    fields = Path("/proc/self/stat").read_bytes().rpartition(b")")[2].split()
    start, end = int(fields[_ENV_START]), int(fields[_ENV_START + 1])
    if not 0 < start < end:
        return
    at = start
    for entry in ctypes.string_at(start, end - start).split(b"\0"):
        if hidden(entry):
            ctypes.memset(at, 0, len(entry))
        at += len(entry) + 1


def _without(beginnings: tuple[str, ...], environ: Mapping[str, str] | None) -> dict[str, str]:
    found = os.environ if environ is None else environ
    return {name: value for name, value in found.items() if not name.startswith(beginnings)}
