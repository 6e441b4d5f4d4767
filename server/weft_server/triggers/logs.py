"""Keeps the addresses of webhooks out of the logs: whoever knows one may call it."""

import logging
import re
from typing import Final

_HOOK: Final = re.compile(r"(/hooks/)[^/?\s\"]+(\?[^\s\"]*)?")
_LOGS: Final = ("uvicorn.access", "weft.server")
"""Those that write the paths of requests."""


class HideAddresses(logging.Filter):
    """Replaces what cannot be guessed in a line's arguments."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Change the line, and let it pass."""
        if isinstance(record.args, tuple):
            record.args = tuple(
                hidden(value) if isinstance(value, str) else value for value in record.args
            )
        return True


def hidden(text: str) -> str:
    """A text without the addresses of webhooks."""
    return _HOOK.sub(r"\1…", text)


def install() -> None:
    """Add the filter, once."""
    for name in _LOGS:
        log = logging.getLogger(name)
        if not any(isinstance(known, HideAddresses) for known in log.filters):
            log.addFilter(HideAddresses())
