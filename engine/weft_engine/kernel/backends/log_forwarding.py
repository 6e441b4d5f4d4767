"""What is logged in a worker is logged by the coordinator, where somebody sees it."""

import contextlib
import logging
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

Levels = Mapping[str, int]
"""Levels of loggers by name."""

_NAMES: Final = ("", "weft_engine", "weft_engine.kernel")
_PLAIN: Final = (str, int, float, bool, type(None))


@dataclass(frozen=True, slots=True)
class Logged:
    """One record of a worker's log; its attributes, as far as they are plain."""

    record: Mapping[str, Any]

    def log(self) -> None:
        """Log it here too, as far as this process wants to hear of it."""
        record = logging.makeLogRecord(dict(self.record))
        logger = logging.getLogger(record.name)
        if logger.isEnabledFor(record.levelno):
            logger.handle(record)


def levels() -> Levels:
    """What this process wants to hear of."""
    return {name: logging.getLogger(name).level for name in _NAMES}


def set_levels(wanted: Levels) -> None:
    """Have this process say no more than that."""
    for name, level in wanted.items():
        logging.getLogger(name).setLevel(level)


@contextlib.contextmanager
def forwarded(say: Callable[[Any], None]) -> Iterator[None]:
    """Send what is logged meanwhile to the coordinator."""
    handler = _Forwarding(say)
    logging.getLogger().addHandler(handler)
    try:
        yield
    finally:
        logging.getLogger().removeHandler(handler)


class _Forwarding(logging.Handler):
    """Makes records plain, because what they were made of may not be picklable."""

    def __init__(self, say: Callable[[Any], None]) -> None:
        super().__init__()
        self._say = say

    def emit(self, record: logging.LogRecord) -> None:
        """Send a record."""
        try:
            data: dict[str, Any] = {
                k: v for k, v in record.__dict__.items() if isinstance(v, _PLAIN)
            }
            data["msg"], data["args"] = record.getMessage(), ()
            if record.exc_info is not None and record.exc_info[0] is not None:
                data["exc_text"] = "".join(traceback.format_exception(*record.exc_info)).rstrip()
            self._say(Logged(data))
        except Exception:  # noqa: BLE001 - as every handler does
            self.handleError(record)
