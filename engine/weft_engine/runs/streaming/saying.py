"""What workers of a live run say to it, from whatever process: counts, samples, lines of the log.

In the run's own process it is told at once. In others it goes the way of what is logged there,
which the kernel brings to the process of the job on every backend.
"""

import json
import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any, Final

_NAME: Final = "weft.live"
_LEVEL: Final = 20
_log: Final = logging.getLogger(_NAME)

Heard = Callable[[Mapping[str, Any]], None]

_lock = threading.Lock()
_live: dict[str, Heard] = {}


def listen(run_id: str, heard: Heard) -> None:
    """Hear what the workers of a run say, on any thread."""
    with _lock:
        _live[run_id] = heard
        _log.setLevel(1)
        _log.propagate = False
        if not any(isinstance(handler, _Hearing) for handler in _log.handlers):
            _log.addHandler(_Hearing())


def leave(run_id: str) -> None:
    """Hear no more of it."""
    with _lock:
        _live.pop(run_id, None)


def is_here(run_id: str) -> bool:
    """Whether the run is in this process."""
    return run_id in _live


def say(run_id: str, message: Mapping[str, Any]) -> None:
    """Tell a run something; plain data."""
    heard = _live.get(run_id)
    if heard is not None:
        heard(message)
        return
    if not _log.propagate or _log.level != 1:  # forked from a process that has runs
        _log.setLevel(1)
        _log.propagate = True
        _log.handlers.clear()
    extra = {"weft_run": run_id, "weft_said": json.dumps(message)}
    _log.log(_LEVEL, "said", extra=extra)


class _Hearing(logging.Handler):
    """Brings what was said elsewhere to the run."""

    def emit(self, record: logging.LogRecord) -> None:
        heard = _live.get(getattr(record, "weft_run", ""))
        if heard is not None:
            heard(json.loads(getattr(record, "weft_said", "{}")))
