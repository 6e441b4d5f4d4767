"""Named places in the making of a checkpoint at which tests let a process die.

`WEFT_CRASH_AT=name:count` kills the process when it comes to that place for the count-th time.
Nothing happens at them otherwise.
"""

import os
import signal
import threading
from collections.abc import Callable
from typing import Final

BEFORE_PART: Final = "before_part"
"""A part is about to be written."""
BEFORE_MANIFEST: Final = "before_manifest"
"""All parts are durable, the checkpoint does not exist yet."""
AFTER_MANIFEST: Final = "after_manifest"
"""The checkpoint exists, no sink knows of it."""
AFTER_SINK: Final = "after_sink"
"""One sink has made its part visible, the next one has not."""
AFTER_COMMIT: Final = "after_commit"
"""All sinks have; subtasks have not been told, and nothing old has been removed."""
POINTS: Final = (BEFORE_PART, BEFORE_MANIFEST, AFTER_MANIFEST, AFTER_SINK, AFTER_COMMIT)

hooks: dict[str, Callable[[], None]] = {}
"""What tests have called at a place; whatever it raises goes on from there."""

_lock = threading.Lock()
_reached: dict[str, int] = {}


def _wanted() -> tuple[str, int]:
    name, _, count = os.environ.get("WEFT_CRASH_AT", "").partition(":")
    return name, int(count) if count.isdecimal() else 1


_CRASH_AT: Final = _wanted()


def reach(name: str) -> None:
    """Come to a place."""
    if name == _CRASH_AT[0]:
        with _lock:
            _reached[name] = count = _reached.get(name, 0) + 1
        if count == _CRASH_AT[1]:
            os.kill(os.getpid(), signal.SIGKILL)
    hook = hooks.get(name)
    if hook is not None:
        hook()
