"""What the operating system says of this process."""

import os
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, Final

_STATM: Final = Path("/proc/self/statm")


def memory_bytes() -> int:
    """How much memory this process has in use; the most it ever had where no more is known."""
    with suppress(OSError, ValueError, IndexError):
        return int(_STATM.read_bytes().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    with suppress(ImportError):
        resource: Any = import_module("resource")  # not on every system
        peak = int(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return peak if sys.platform == "darwin" else peak * 1024
    return 0
